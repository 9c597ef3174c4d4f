"""Which text a row becomes: the template that writes it, its begin and its end.

The template is also what the model will be asked with, so it is saved beside the trained weights. It does not know
rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from trainclinic.encoding.templates.facts import TemplateFacts, facts_of
from trainclinic.encoding.templates.template import ChatTemplate
from trainclinic.encoding.tokens.tokenizer import Tokenizer
from trainclinic.recipe.model import Text
from trainclinic.record.errors import TrainclinicError

_ROLE = "{{ 'System' if m['role'] == 'system' else 'Assistant' if m['role'] == 'assistant' else 'User' }}"
PLAIN = (
    "{% for m in messages %}" + _ROLE + "{{ ': ' ~ m['content'] }}"
    "{{ END if m['role'] == 'assistant' else '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""Turns of people and model in plain words, for models that know no chat markup."""
NONE = "{% for m in messages %}{{ m['content'] }}{% if m['role'] == 'assistant' %}{{ END }}{% endif %}{% endfor %}"
"""Prompt and answer behind each other, for prompts that carry their own markup."""


@dataclass(frozen=True, slots=True)
class Formatting:
    """How conversations are written.

    Attributes:
        source: The template, Jinja source.
        facts: What it does.
        closing: Text that is put behind the last answer because the template writes no end token; mostly empty.
        ends: Ids that end an answer of this template, and the end token.
        end: The id that stands behind a plain text; `None` when the tokenizer has no end token.
    """

    source: str
    facts: TemplateFacts
    closing: str
    ends: frozenset[int]
    end: int | None


def formatting_of(tokenizer: Tokenizer, text: Text) -> Formatting:
    """How rows are written under a recipe.

    Args:
        tokenizer: The tokenizer of the model.
        text: What the recipe says; `template` and `end_token` are known.

    Raises:
        TrainclinicError: If the template is no template, or there is no token to end answers with.
    """
    specials = tokenizer.specials
    if text.end_token and not specials.end:
        message = f"the tokenizer `{tokenizer.name}` has no end token, and `text.end_token` is `true`"
        raise TrainclinicError(message, hint="set `eos_token` in its `tokenizer_config.json`")
    return formatting_by(
        _source(tokenizer, text), tokenizer, begins=text.begin_tokens or 0, closes=bool(text.end_token)
    )


def formatting_by(source: str, tokenizer: Tokenizer, *, begins: int = 1, closes: bool = True) -> Formatting:
    """How rows are written by a template.

    Args:
        source: Its Jinja source.
        tokenizer: The tokenizer of the model.
        begins: Begin tokens before a row, where the model expects one and the template writes none.
        closes: Whether the end token is put behind the last answer where the template writes none.

    Raises:
        TrainclinicError: If the template cannot write a question with its answer.
    """
    specials = tokenizer.specials
    facts = facts_of(ChatTemplate(source, specials))
    if facts.failure:
        message = f"the chat template of `{tokenizer.name}` cannot write a question with its answer: {facts.failure}"
        raise TrainclinicError(message, hint="`text.template: plain` in the recipe does without it")
    if begins and specials.begin and not facts.writes_begin and _expects_begin(tokenizer):
        source = "{{ bos_token }}" * begins + source
        facts = facts_of(ChatTemplate(source, specials))
    closing = specials.end if closes and not facts.writes_end_of_turn else ""
    written = specials.id_of(facts.end_of_turn)
    ends = {one for one in (specials.id_of(specials.end), written) if one is not None}
    return Formatting(source, facts, closing, frozenset(ends), specials.id_of(specials.end))


def usual_template(tokenizer: Tokenizer, prompts: list[str]) -> tuple[str, str]:
    """The template to use where a recipe names none, and why.

    Args:
        tokenizer: The tokenizer of the model.
        prompts: Some prompts of rows that are written as prompt and completion; empty for other rows.
    """
    if tokenizer.template:
        return "model", "the tokenizer brings its chat template"
    marked = [prompt for prompt in prompts if prompt.rstrip(" ").endswith((":", "\n", "]", ">"))]
    if prompts and len(marked) >= 0.9 * len(prompts):
        return "none", "the tokenizer has no chat template, and the prompts end with a mark of their own"
    return "plain", "the tokenizer has no chat template"


def _source(tokenizer: Tokenizer, text: Text) -> str:
    if text.template == "model" and tokenizer.template:
        return tokenizer.template
    if text.template == "model":
        message = f"the tokenizer `{tokenizer.name}` has no chat template, and `text.template` is `model`"
        raise TrainclinicError(message, hint="`text.template: plain` writes `User:` and `Assistant:` before the turns")
    return (NONE if text.template == "none" else PLAIN).replace("END", "eos_token" if text.end_token else "''")


def _expects_begin(tokenizer: Tokenizer) -> bool:
    """Whether the model was trained with a begin token: its tokenizer writes one, or its template does."""
    return tokenizer.specials.adds_begin or "bos_token" in tokenizer.template
