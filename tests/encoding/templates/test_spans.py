"""Which characters belong to which turn, over templates that make it easy or hard to tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.encoding import tokenizers

from trainclinic.corpus.sample import Message
from trainclinic.encoding.templates.known import KNOWN, template_named
from trainclinic.encoding.templates.spans import Spans, spans
from trainclinic.encoding.templates.template import ChatTemplate, TemplateError
from trainclinic.encoding.tokens.tokenizer import Specials

SPECIALS = Specials(ids={"<s>": 1, "</s>": 2}, begin="<s>", end="</s>", ends=frozenset({2}))
TALK = (
    Message("user", "Why?"),
    Message("assistant", "Because."),
    Message("user", "Why not?"),
    Message("assistant", "No reason."),
)
NO_HEADER_ASKED = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}</s>\n{% endfor %}"
LOOKS_AT_LAST = (
    "{% for m in messages %}{{ '[' ~ m.role ~ ']' }}{{ m.content }}{{ '</s>' if loop.last else '<|end|>' }}"
    "{% endfor %}{{ '[assistant]' if add_generation_prompt }}"
)
DROPS_THOUGHTS = (
    "{% for m in messages %}{% set c = m.content if loop.last else m.content.split('</think>')[-1] | trim %}"
    "{{ '<|im_start|>' ~ m.role ~ '\\n' ~ c ~ '<|im_end|>\\n' }}{% endfor %}"
    "{{ '<|im_start|>assistant\\n' if add_generation_prompt }}"
)
THINKS_FIRST = tokenizers.CHATML_TEMPLATE.replace("assistant\\n' }}", "assistant\\n<think>\\n' }}")


def found(source: str, *messages: Message) -> Spans:
    return spans(ChatTemplate(source, SPECIALS), messages or TALK)


def answers(result: Spans) -> list[str]:
    return [result.text[start:end] for start, end in result.answers]


def test_answers_begin_behind_the_header_and_end_with_the_end_of_turn() -> None:
    result = found(tokenizers.CHATML_TEMPLATE)
    assert answers(result) == ["Because.<|im_end|>", "No reason.<|im_end|>"]
    assert result.how == "prefixes"


def test_a_template_without_headers_leaves_the_space_to_the_answer() -> None:
    result = found(tokenizers.LLAMA2_TEMPLATE)
    assert answers(result) == [" Because. </s>", " No reason. </s>"]
    assert result.how == "prefixes"


def test_contents_are_kept_with_the_space_around_them() -> None:
    result = found(tokenizers.CHATML_TEMPLATE, TALK[0], Message("assistant", " \n Because. \n"))
    assert answers(result) == [" \n Because. \n<|im_end|>"]


def test_space_taken_by_the_template_is_no_obstacle() -> None:
    result = found(tokenizers.LLAMA3_TEMPLATE, TALK[0], Message("assistant", "\n Because. \n"))
    assert answers(result) == ["Because.<|eot_id|>"]
    assert result.how == "prefixes"


def test_a_header_that_cannot_be_asked_for_is_no_answer() -> None:
    result = found(NO_HEADER_ASKED)
    assert answers(result) == ["Because.</s>", "No reason.</s>"]
    assert result.how == "search"


def test_a_template_that_looks_at_the_last_turn_is_searched() -> None:
    result = found(LOOKS_AT_LAST)
    assert answers(result) == ["Because.<|end|>", "No reason.</s>"]
    assert result.how == "search"


def test_dropped_thoughts_of_earlier_turns_are_no_obstacle() -> None:
    thinking = [Message(m.role, f"<think>\nx\n</think>\n\n{m.content}" if m.is_answer else m.content) for m in TALK]
    result = found(DROPS_THOUGHTS, *thinking)
    assert answers(result) == ["Because.<|im_end|>", "<think>\nx\n</think>\n\nNo reason.<|im_end|>"]


def test_a_header_that_is_not_the_one_of_training_is_searched() -> None:
    result = found(THINKS_FIRST)
    assert answers(result) == ["Because.<|im_end|>", "No reason.<|im_end|>"]
    assert result.how == "search"


def test_marks_of_the_template_go_before_everything_else() -> None:
    result = found(
        "{% for m in messages %}{{ m.role }}:{% generation %}{{ m.content[1:] }}{% endgeneration %};{% endfor %}",
        *TALK[1:2],
    )
    assert answers(result) == ["ecause."]
    assert result.how == "markers"


def test_several_marks_in_one_answer_stay_with_it() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'assistant' %}A {% generation %}{{ m.content }}{% endgeneration %}, "
        "{% generation %}</s>{% endgeneration %}{% else %}U {{ m.content }} {% endif %}{% endfor %}"
    )
    result = found(source)
    assert [len(turn.answers) for turn in result.turns] == [0, 2, 0, 2]
    assert answers(result) == ["Because.", "</s>", "No reason.", "</s>"]


def test_an_answer_that_the_template_leaves_out_has_no_span() -> None:
    result = found("{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}|{% endif %}{% endfor %}")
    assert result.answers == ()


def test_a_system_message_inside_the_first_question_has_its_own_part() -> None:
    result = found(template_named("llama-2"), Message("system", "Be kind."), *TALK[:2])
    parts = [result.text[turn.start : turn.end] for turn in result.turns]
    assert parts == ["<s>[INST] <<SYS>>\nBe kind.", "\n<</SYS>>\n\nWhy? [/INST]", " Because. </s>"]


def test_a_conversation_that_is_refused_is_an_error() -> None:
    with pytest.raises(TemplateError):
        found(tokenizers.LLAMA2_TEMPLATE, Message("tool", "x"))


@pytest.mark.parametrize("name", KNOWN)
@given(contents=st.lists(st.text("ab \n", min_size=1, max_size=6), min_size=2, max_size=6))
def test_turns_cover_the_text_and_answers_lie_in_their_turns(name: str, contents: list[str]) -> None:
    messages = [Message("assistant" if at % 2 else "user", text) for at, text in enumerate(contents)]
    result = spans(ChatTemplate(template_named(name), SPECIALS), messages)
    assert result.turns[0].start == 0
    assert result.turns[-1].end == len(result.text)
    assert all(one.end == two.start for one, two in zip(result.turns, result.turns[1:], strict=False))
    for turn in result.turns:
        assert all(turn.start <= start <= end <= turn.end for start, end in turn.answers)


@pytest.mark.parametrize("name", KNOWN)
@given(contents=st.lists(st.text("ab \n", min_size=1, max_size=6), min_size=2, max_size=6))
def test_beginnings_tell_what_the_marks_tell(name: str, contents: list[str]) -> None:
    messages = [Message("assistant" if at % 2 else "user", text) for at, text in enumerate(contents)]
    source = template_named(name)
    silent = source.replace("{%- generation %}", "").replace("{%- endgeneration %}", "")
    marked = spans(ChatTemplate(source, SPECIALS), messages)
    unmarked = spans(ChatTemplate(silent, SPECIALS), messages)
    assert (marked.how, unmarked.how) == ("markers", "prefixes")
    assert marked.answers == unmarked.answers
