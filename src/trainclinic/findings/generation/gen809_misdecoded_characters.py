"""Outputs or prompts show UTF-8 that was read with the wrong character set.

## What it sees
Characters that stand as two to four others (`Ã¼` for `ü`, `â€™` for an apostrophe, `Ð¿` for `п`), proved by decoding
them back, or single replacement characters inside of words; hardly any other character beyond ASCII may be whole.

## Why it matters
A model writes such text because it was taught to: the training rows were read with the wrong character set. Every name
and quotation mark is then spelled wrongly, and costs two or three times the tokens.

## What it does not mean
The tokenizer is not broken: it gives back what it is given. The model need not be at fault either, when only the file
of outputs was written or read wrongly. Text in any language passes, and so does text that explains such damage.

## Example
`Die BrÃ¼cke fÃ¼hrt Ã¼ber den FluÃŸ.`

## Check it by hand
Look for `Ã` in the training file with an editor that shows its encoding; `C3 83 C2 BC` in the bytes is damage that was
saved, `C3 BC` is not.

## References
- https://ftfy.readthedocs.io/ (how such damage is recognised and undone)
- The Unicode standard, U+FFFD
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count
from trainclinic.findings.outputs import written_outputs

if TYPE_CHECKING:
    from trainclinic.record.parts import Generation
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.text_decoding import Misdecoding

LEAST = Threshold("damaged characters", 2, "characters", "one may be a coincidence of a letter and a quotation mark")
HALF = Threshold("damaged outputs", 0.5, "share", "single ones may be copied from their prompt")


def check(run: Measured) -> Verdict:
    """Count damaged characters in outputs and prompts."""
    from trainclinic.signals.text_decoding import has_letters_beyond_ascii, misdecoding_of

    written = written_outputs(run)
    if isinstance(written, NotEvaluated):
        return written
    rows = [run.record.generations[shape.row] for shape in written]
    outputs = [(row, shape.misdecoded) for row, shape in zip(rows, written, strict=True) if shape.misdecoded]
    prompts = [(row, found) for row in rows if row.prompt and (found := misdecoding_of(row.prompt)) is not None]
    if sum(found.sequences for _, found in outputs + prompts) >= LEAST.value:
        where = [_evidence(outputs, len(written), "output"), _evidence(prompts, len(written), "prompt")]
        return Present(
            tuple(evidence for evidence in where if evidence is not None),
            means="" if outputs else "Only the prompts are damaged: the model was asked in a spelling of its own.",
            settle="the bytes of one such word in the training file, and in the file of outputs",
            severity=None if len(outputs) >= HALF.value * len(written) else Severity.WARNING,
        )
    whole = [row for row in rows if has_letters_beyond_ascii(row.output)]
    if outputs or prompts or not whole:
        return NotEvaluated("two or more characters beyond ASCII in the outputs, as only those show the encoding")
    says = f"{count(len(whole), 'output')} with characters beyond ASCII, all whole"
    return Absent((Evidence(says, whole[0].source, whole[0].step),))


def _evidence(found: list[tuple[Generation, Misdecoding]], of: int, what: str) -> Evidence | None:
    if not found:
        return None
    row, damage = found[0]
    meant = f" for `{damage.meant}`" if damage.meant.isprintable() and damage.meant else ""
    says = f"{len(found)} of {count(of, what)} decoded wrongly: `{damage.example}`{meant}"
    return Evidence(
        says if damage.example.isprintable() else says.encode("unicode_escape").decode(), row.source, row.step
    )


RULE = Rule(
    code="GEN809",
    slug="misdecoded-characters",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(LEAST, HALF),
    since="0.2",
)
