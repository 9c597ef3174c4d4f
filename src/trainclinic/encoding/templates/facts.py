"""What a chat template does to conversations, found by rendering a few small ones.

It knows what comes out. It does not know whether that is right for a model: rules decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from trainclinic.corpus.sample import Message
from trainclinic.encoding.templates.template import ChatTemplate, TemplateError

_SYSTEM, _QUESTION, _ANSWER = "Zebra rules apply.", "Which quokka?", "Seven walruses."
_THOUGHT, _LATER = "Count ibexes first.", "Nine ospreys."
_PADDED = " \n {} \n "


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """What a template does. Where a conversation could not be rendered, what it would show counts as not so.

    Attributes:
        failure: Why a question with its answer cannot be rendered, empty when it can.
        has_generation_markers: Whether it marks what the model writes.
        rejects_system: Whether it refuses a system message.
        drops_system: Whether it renders a system message without its text.
        alters_content: Whether it takes white space from around a question or an answer.
        writes_begin: Whether the text begins with the begin token, so that a tokenizer must not add another.
        writes_end_of_turn: Whether an end token stands after the last answer.
        end_of_turn: That token, empty when there is none.
        drops_reasoning: Whether thoughts (`reasoning_content`) of the last answer are left out.
        drops_earlier_reasoning: Whether thoughts of earlier answers are left out, those of the last one kept.
        ignores_generation_prompt: Whether asking for the header of an answer changes nothing.
        prompts_differently: Whether the header before generation is not the header in training.
        agrees_with_prefixes: Whether the beginning of a conversation is rendered as the beginning of its text.
    """

    failure: str = ""
    has_generation_markers: bool = False
    rejects_system: bool = False
    drops_system: bool = False
    alters_content: bool = False
    writes_begin: bool = False
    writes_end_of_turn: bool = False
    end_of_turn: str = ""
    drops_reasoning: bool = False
    drops_earlier_reasoning: bool = False
    ignores_generation_prompt: bool = False
    prompts_differently: bool = False
    agrees_with_prefixes: bool = False


def facts_of(template: ChatTemplate) -> TemplateFacts:
    """What a template does to conversations."""
    pair = [Message("user", _QUESTION), Message("assistant", _ANSWER)]
    try:
        plain = template.render(pair).text
    except TemplateError as error:
        return TemplateFacts(failure=error.reason, has_generation_markers=template.has_generation_markers)
    with_system = _text(template, [Message("system", _SYSTEM), *pair])
    prompt = _text(template, pair[:1])
    prompted = _text(template, pair[:1], generation_prompt=True)
    begin = template.specials.begin
    end = _end_after(template, plain)
    drops_last, drops_earlier = _dropped_reasoning(template)
    return TemplateFacts(
        has_generation_markers=template.has_generation_markers,
        rejects_system=with_system is None,
        drops_system=with_system is not None and _SYSTEM not in with_system,
        alters_content=_alters(template),
        writes_begin=bool(begin) and plain.startswith(begin),
        writes_end_of_turn=bool(end),
        end_of_turn=end,
        drops_reasoning=drops_last,
        drops_earlier_reasoning=drops_earlier and not drops_last,
        ignores_generation_prompt=prompt is not None and prompt == prompted,
        prompts_differently=prompted is not None and not plain.startswith(prompted),
        agrees_with_prefixes=_agrees(template),
    )


def _text(template: ChatTemplate, messages: list[Message], *, generation_prompt: bool = False) -> str | None:
    try:
        return template.render(messages, generation_prompt=generation_prompt).text
    except TemplateError:
        return None


def _alters(template: ChatTemplate) -> bool:
    question, answer = _PADDED.format(_QUESTION), _PADDED.format(_ANSWER)
    text = _text(template, [Message("user", question), Message("assistant", answer)])
    return text is not None and not (question in text and answer in text)


def _end_after(template: ChatTemplate, text: str) -> str:
    """The end token that stands after the answer, empty when none does."""
    rest = text.rpartition(_ANSWER)[2].strip()
    return next((token for token in template.ends if rest.startswith(token)), "")


def _dropped_reasoning(template: ChatTemplate) -> tuple[bool, bool]:
    """Whether thoughts of the last answer are left out, and those of an earlier one."""
    earlier, last = f"Earlier: {_THOUGHT}", f"Last: {_THOUGHT}"
    text = _text(
        template,
        [
            Message("user", _QUESTION),
            Message("assistant", _ANSWER, reasoning=earlier),
            Message("user", _QUESTION),
            Message("assistant", _LATER, reasoning=last),
        ],
    )
    return (False, False) if text is None else (last not in text, earlier not in text)


def _agrees(template: ChatTemplate) -> bool:
    conversation = [
        Message("user", _QUESTION),
        Message("assistant", f"<think>\n{_THOUGHT}\n</think>\n\n{_ANSWER}"),
        Message("user", _QUESTION),
        Message("assistant", _LATER),
    ]
    whole = _text(template, conversation)
    beginnings = [_text(template, conversation[:count]) for count in (2, 4)]
    return whole is not None and all(part is not None and whole.startswith(part) for part in beginnings)
