"""Rows contain special tokens of another model as text.

## What it sees

Literals such as `</s>`, `<|im_end|>`, `[INST]` or `<start_of_turn>` that stand as markup (at the beginning or end of a
text, or at the beginning of a line outside code) and are not one token of the tokenizer; without a tokenizer, that the
family of the model does not have. Markup that the template writes itself does not count, nor do `<unk>` and `[MASK]`,
which stand in ordinary text as well.

## Why it matters

The literal is split into pieces: `</s>` becomes `</`, `s` and `>`. As an end it does not stop generation, and the model
writes it out in its answers; as a role marker it costs tokens and means nothing to the model.

## What it does not mean

Markup as plain text can be meant: some formats define it so, and a model learns it like any other text. Then the
finding is a warning, unless it takes the place of the end token.

## Example

Answers end in `<|endoftext|>`, the tokenizer is that of Llama 2: ten tokens of text and no end.

## Check it by hand

    python -c "from transformers import AutoTokenizer as A; print(A.from_pretrained('.').tokenize('</s>'))"

## References

- https://github.com/zjysteven/lmms-finetune/issues/47 (generation that never ends)
- https://huggingface.co/docs/transformers/chat_templating (special tokens of chat templates)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import NotEvaluated, Severity, Verdict
from trainclinic.dataset.readiness import tally_of
from trainclinic.dataset.rule import SINCE, Shares, quoted, verdict_on
from trainclinic.dataset.special_text import ENDS, known_family, markup_in, template_markup, texts_of, token_count

if TYPE_CHECKING:
    from trainclinic.corpus.sample import Sample
    from trainclinic.dataset.data import Data

ANY = Threshold("share of rows", 0.001, "1", "expert choice, to be calibrated: fewer are odd rows")
MANY = Threshold("share of rows with a foreign end", 0.01, "1", "expert choice, to be calibrated")
TOKENIZER = "the tokenizer of the model (`--tokenizer`), or its name (`--model`)"


def check(data: Data) -> Verdict:
    """How many rows hold markup of another model."""
    rows = [row for row in data.survey.samples if row.text or row.messages]
    if not rows:
        return NotEvaluated("rows with text")
    if data.tokenizer.is_stand_in and known_family(data) is None:
        return NotEvaluated(TOKENIZER)
    found = [(row, _foreign(row, data)) for row in rows]
    unsure = sum(is_unsure for _, (_, is_unsure) in found)
    tally = tally_of((row.source, _says(literals, data)) for row, (literals, _) in found)
    if unsure and tally.share <= ANY.value < (tally.hits + unsure) / tally.looked:
        return NotEvaluated(TOKENIZER)
    ends = sum(any(one in ENDS for one in literals) and not _is_ended(row, data) for row, (literals, _) in found)
    shares = Shares(ANY, ANY if ends > MANY.value * len(rows) else None)
    return verdict_on(
        tally, "hold markup that is no special token here", shares, severity=Severity.HARMFUL, total=data.survey.rows
    )


def _foreign(sample: Sample, data: Data) -> tuple[list[str], bool]:
    """Foreign literals of a row, and whether there are others about which nothing is known."""
    found: dict[str, bool | None] = {}
    for text, is_target in texts_of(sample):
        for literal in markup_in(text, is_target=is_target):
            found.setdefault(literal, _is_foreign(literal, data))
    return [literal for literal, is_foreign in found.items() if is_foreign], None in found.values()


def _is_foreign(literal: str, data: Data) -> bool | None:
    family = known_family(data)
    if literal in template_markup(data) or (family is not None and literal in family.plain):
        return False
    if not data.tokenizer.is_stand_in:
        return token_count(data, literal) != 1
    has = None if family is None else family.has(literal)
    return None if has is None else not has


def _is_ended(sample: Sample, data: Data) -> bool:
    """Whether training writes the end token of the tokenizer behind a plain text, so that foreign ends do no harm."""
    appends = data.preparation.appends_end
    return bool(sample.text) and appends.value and not appends.is_assumed


def _says(literals: list[str], data: Data) -> str | None:
    if not literals:
        return None
    first = next((one for one in literals if one in ENDS), literals[0])
    if not data.tokenizer.is_stand_in:
        return f"{quoted(first)} becomes {token_count(data, first)} tokens of text"
    family = known_family(data)
    return f"{quoted(first)} is no special token of {family.title if family else 'the model'}"


RULE: Rule[Data] = Rule(
    code="TKN002",
    slug="special-token-text",
    severity=Severity.HARMFUL,
    needs=("texts of rows", "the tokenizer, or the family of the model"),
    check=check,
    thresholds=(ANY, MANY),
    since=SINCE,
)
