"""What a template does, found by rendering small conversations."""

from __future__ import annotations

import pytest
from tests.encoding import tokenizers

from trainclinic.encoding.templates.facts import TemplateFacts, facts_of
from trainclinic.encoding.templates.known import template_named
from trainclinic.encoding.templates.template import ChatTemplate
from trainclinic.encoding.tokens.tokenizer import Specials

SPECIALS = Specials(ids={"<s>": 1, "</s>": 2}, begin="<s>", end="</s>", ends=frozenset({2}))
DROPS_EARLIER = (
    "{% for m in messages %}{{ m.role ~ ':' }}{% if loop.last and m.reasoning_content %}{{ m.reasoning_content }}{% endif %}"
    "{{ m.content.split('</think>')[-1] if not loop.last else m.content }};{% endfor %}"
)


def facts(source: str) -> TemplateFacts:
    return facts_of(ChatTemplate(source, SPECIALS))


def test_a_refused_system_message_is_seen() -> None:
    assert facts(tokenizers.LLAMA2_TEMPLATE).rejects_system
    assert not facts(template_named("llama-2")).rejects_system


def test_a_dropped_system_message_is_seen() -> None:
    dropping = "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}"
    assert facts(dropping).drops_system
    assert not facts(tokenizers.CHATML_TEMPLATE).drops_system


def test_altered_contents_are_seen() -> None:
    assert facts(tokenizers.LLAMA3_TEMPLATE).alters_content
    assert not facts(tokenizers.CHATML_TEMPLATE).alters_content


def test_the_begin_token_is_seen() -> None:
    assert facts(tokenizers.LLAMA3_TEMPLATE).writes_begin
    assert not facts(tokenizers.CHATML_TEMPLATE).writes_begin


@pytest.mark.parametrize(
    ("source", "end"),
    [
        (tokenizers.CHATML_TEMPLATE, "<|im_end|>"),
        (tokenizers.LLAMA2_TEMPLATE, "</s>"),
        ("{% for m in messages %}{{ m.content }}\n{% endfor %}", ""),
    ],
)
def test_the_end_of_turn_is_seen(source: str, end: str) -> None:
    found = facts(source)
    assert (found.end_of_turn, found.writes_end_of_turn) == (end, bool(end))


def test_thoughts_left_out_are_seen() -> None:
    found = facts(tokenizers.CHATML_TEMPLATE)
    assert (found.drops_reasoning, found.drops_earlier_reasoning) == (True, False)
    found = facts(DROPS_EARLIER)
    assert (found.drops_reasoning, found.drops_earlier_reasoning, found.agrees_with_prefixes) == (False, True, False)


def test_headers_before_generation_are_compared_with_training() -> None:
    assert facts(tokenizers.LLAMA2_TEMPLATE).ignores_generation_prompt
    asking = tokenizers.CHATML_TEMPLATE
    assert not facts(asking).ignores_generation_prompt
    assert not facts(asking).prompts_differently
    assert facts(asking.replace("assistant\\n' }}", "assistant\\n<think>' }}")).prompts_differently


def test_beginnings_are_compared_with_the_whole() -> None:
    assert facts(tokenizers.CHATML_TEMPLATE).agrees_with_prefixes
    assert not facts("{{ messages | length }}" + tokenizers.CHATML_TEMPLATE).agrees_with_prefixes


def test_marks_are_seen() -> None:
    assert facts(template_named("chatml")).has_generation_markers
    assert not facts(tokenizers.CHATML_TEMPLATE).has_generation_markers


def test_a_template_that_renders_nothing_says_why() -> None:
    assert facts("{{ raise_exception('never') }}").failure == "never"
    assert facts(tokenizers.CHATML_TEMPLATE).failure == ""
