"""Templates are rendered as training libraries render them, and can do no harm."""

from __future__ import annotations

import re

import pytest
from tests.encoding import tokenizers

from trainclinic.corpus.sample import Message
from trainclinic.encoding.templates import sandbox
from trainclinic.encoding.templates.template import ChatTemplate, TemplateError
from trainclinic.encoding.tokens.tokenizer import Specials

SPECIALS = Specials(ids={"<s>": 1, "</s>": 2}, begin="<s>", end="</s>", ends=frozenset({2}))
PAIR = (Message("user", "Hi"), Message("assistant", "Hello"))


def render(source: str, *messages: Message, specials: Specials = SPECIALS, **options: object) -> str:
    return ChatTemplate(source, specials).render(messages or PAIR, **options).text


def test_messages_and_special_tokens_are_rendered() -> None:
    assert render(tokenizers.LLAMA2_TEMPLATE) == "<s>[INST] Hi [/INST] Hello </s>"
    assert render(tokenizers.CHATML_TEMPLATE, PAIR[0], generation_prompt=True) == (
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_token_that_does_not_exist_is_undefined() -> None:
    source = "{{ bos_token is defined }}{{ bos_token }}{{ tools is none }}{{ documents is none }}"
    assert render(source, specials=Specials()) == "FalseTrueTrue"


def test_blocks_take_their_line_with_them() -> None:
    assert render(
        "{% for message in messages %}\n  {% if true %}\n{{ message.role }}\n  {% endif %}\n{% endfor %}"
    ) == ("user\nassistant\n")


def test_loops_can_be_left() -> None:
    assert render("{% for m in messages %}{{ m.content }}{% break %}{% endfor %}") == "Hi"


def test_loops_know_their_length_and_neighbours() -> None:
    source = (
        "{% for m in messages if m.content %}{{ loop.index }}/{{ loop.length }}{{ loop.last }}"
        "{{ loop.nextitem.role if loop.nextitem is defined }} {% else %}none{% endfor %}"
    )
    assert render(source) == "1/2Falseassistant 2/2True "
    assert render(source, Message("user", "")) == "none"


def test_json_is_written_without_escapes() -> None:
    message = Message("user", "<é> & 'x'")
    assert render("{{ messages[0] | tojson }}", message) == '{"role": "user", "content": "<é> & \'x\'"}'
    assert render("{{ [1, {}] | tojson(indent=1) }}") == "[\n 1,\n {}\n]"


def test_tools_calls_and_thoughts_arrive_as_values() -> None:
    message = Message("assistant", "", reasoning="think", calls='[{"function": {"name": "f", "arguments": {"x": 1}}}]')
    source = "{{ tools[0].name }} {{ messages[0].reasoning_content }} {{ messages[0].tool_calls[0].function.arguments.x + 1 }}"
    assert render(source, message, tools='[{"name": "g"}]') == "g think 2"
    assert (
        render("{{ messages[0].tool_calls is defined }}{{ messages[0].reasoning_content is defined }}") == "FalseFalse"
    )


def test_today_can_be_written() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", render("{{ strftime_now('%Y-%m-%d') }}"))


def test_a_refusal_carries_the_words_of_the_template() -> None:
    with pytest.raises(TemplateError, match="Only user and assistant roles are supported!") as error:
        render(tokenizers.LLAMA2_TEMPLATE, Message("system", "x"))
    assert error.value.is_refusal
    assert error.value.reason == "Only user and assistant roles are supported!"


@pytest.mark.parametrize(
    "source", ["{{ messages[9].content }}", "{{ none + 'x' }}", "{{ 1 / 0 }}", "{{ messages.absent() }}"]
)
def test_a_failure_is_an_error_of_its_own(source: str) -> None:
    with pytest.raises(TemplateError, match="cannot render") as error:
        render(source)
    assert not error.value.is_refusal


def test_a_template_that_is_no_jinja_says_in_which_line() -> None:
    with pytest.raises(TemplateError, match="no valid Jinja at its line 2"):
        ChatTemplate("x\n{% if %}", SPECIALS)


def test_marks_become_spans_and_leave_no_trace() -> None:
    source = "{% for m in messages %}[{% generation %}{{ m.content }}{% endgeneration %}]{% endfor %}"
    rendered = ChatTemplate(source, SPECIALS).render(PAIR)
    assert rendered.text == "[Hi][Hello]"
    assert rendered.generation_spans == ((1, 3), (5, 10))


def test_marks_inside_macros_and_marks_inside_marks_keep_their_places() -> None:
    source = (
        "{% macro turn(m) %}<{% generation %}{{ m.content }}{% generation %}!{% endgeneration %}{% endgeneration %}>{% endmacro %}"
        "{% for m in messages %}{{ turn(m) }}{% endfor %}"
    )
    rendered = ChatTemplate(source, SPECIALS).render(PAIR)
    assert [rendered.text[start:end] for start, end in rendered.generation_spans] == ["Hi!", "Hello!"]


@pytest.mark.parametrize(
    ("source", "has"),
    [
        ("{%- generation -%}x{% endgeneration %}", True),
        ("{{ generation }}", False),
        ("generation {# generation #}", False),
    ],
)
def test_marks_are_seen_in_the_source(source: str, has: bool) -> None:
    assert ChatTemplate(source, SPECIALS).has_generation_markers is has


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__.x }}",
        "{{ strftime_now.__globals__['os'].system('true') }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
        "{{ messages | map(attribute='__class__') | list }}{{ messages[0].__class__.x }}",
        "{% set _ = messages.append(1) %}",
        "{{ messages[0].update({'content': 'x'}) }}",
        "{{ cycler.__init__.__globals__ }}",
    ],
)
def test_nothing_beyond_the_messages_can_be_reached(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


@pytest.mark.parametrize("source", ["{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}"])
def test_no_file_can_be_read(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
        "{% for a in [1] recursive %}{{ loop([1]) }}{{ loop([1]) }}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{{ 'x' * 10 ** 12 }}",
        "{{ [0] * 10 ** 12 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ 'x'.ljust(10 ** 12) }}",
        "{{ range(10 ** 9) | list }}",
        "{% for a in range(9999) %}{{ 'x' * 1000000 }}{% endfor %}",
    ],
)
def test_no_template_runs_or_grows_without_end(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST_STEPS", 20_000)
    with pytest.raises(TemplateError):
        render(source)


@pytest.mark.parametrize("source", ["{% for a in range(200) %}{% endfor %}", "{{ range(1) }}" * 200])
def test_turns_of_loops_and_calls_are_counted(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST_STEPS", 150)
    with pytest.raises(TemplateError, match="was stopped: it made more than 150 turns and calls"):
        render(source)


def test_each_rendering_has_its_own_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST_STEPS", 150)
    monkeypatch.setattr(sandbox.Budget, "steps", 150)
    template = ChatTemplate("{% for a in range(100) %}{% endfor %}done", SPECIALS)
    assert [template.render(PAIR).text for _ in range(3)] == ["done"] * 3
