"""Outputs repeat a token or a phrase.

## What it sees
A unit that is repeated up to the end of an output, word 3-grams that come again and again, and words that are doubled.

## Why it matters
Repetition ends all use of an output. One symbol or special token for ever means broken weights, a broken head or a
broken cache; repeated sentences mean that the end token is missing or that the model has fallen into a loop.

## What it does not mean
Small and base models loop under greedy decoding without any fault. Lists, tables, verse and code repeat on purpose.
It is no proof of overfitting: overfitted models recite, they seldom stutter.

## Example
`12000000000000000000`, or `The weather of of of the the of`

## Check it by hand
Generate the same prompts with sampling at temperature 0.7: a loop that goes away belongs to greedy decoding, one that
stays belongs to the weights.

## References
- Holtzman et al. 2020, The Curious Case of Neural Text Degeneration
- Knuth, Morris, Pratt 1977: the smallest period of a text from its prefix function
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.rule import Rule, Threshold
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.catalogue.wording import count, percent
from trainclinic.findings.outputs import written_outputs
from trainclinic.signals.generated_text import REPEATED_SHARE, STUTTERED_SHARE, OutputShape, excerpt

if TYPE_CHECKING:
    from trainclinic.signals.measured import Measured

HALF = Threshold("repetitive outputs", 0.5, "share", "single loops happen to every model under greedy decoding")
FEWEST = Threshold("outputs that repeat one symbol", 2, "outputs", "one alone may be an unlucky prompt")
SYMBOL = Threshold("length of the repeated unit", 2, "characters", "no intact model repeats one symbol for ever")


def check(run: Measured) -> Verdict:
    """Count outputs that repeat themselves, and look at what they repeat."""
    written = written_outputs(run)
    if isinstance(written, NotEvaluated):
        return written
    found = [shape for shape in written if shape.repeats]
    first = run.record.generations[(found or written)[0].row]
    if not found:
        return Absent((Evidence(f"none of {count(len(written), 'output')} repeats itself", first.source),))
    worst = next((shape for shape in found if _is_symbol(shape)), found[0])
    one = run.record.generations[worst.row]
    says = f"repetition in {len(found)} of {count(len(written), 'output')}: {_describe(worst)}"
    broken = _is_symbol(worst) and len(found) >= max(FEWEST.value, HALF.value * len(written))
    return Present(
        (Evidence(says, one.source, one.step),),
        means="An intact model hardly ever repeats one symbol to the end, whatever the settings of the decoder."
        if broken
        else "",
        settle="the same prompts sampled at temperature 0.7",
        severity=None if broken else Severity.WARNING,
    )


def _is_symbol(shape: OutputShape) -> bool:
    unit = shape.loop.unit.strip() if shape.loop is not None else ""
    return bool(unit) and (len(unit) <= SYMBOL.value or (unit[0] + unit[-1] == "<>" and " " not in unit))


def _describe(shape: OutputShape) -> str:
    if shape.loop is not None:
        return f"`{excerpt(shape.loop.unit, 40)}` {shape.loop.repeats:.0f} times up to the end"
    share, gram = shape.repeated
    if share >= REPEATED_SHARE:
        return f"{percent(share)} of its 3-word phrases come again, such as `{excerpt(gram, 40)}`"
    twice, words = shape.stuttered
    return f"{twice} of {words} words double the word before them"


RULE = Rule(
    code="GEN803",
    slug="repetitive-generation",
    severity=Severity.HARMFUL,
    needs=("generations",),
    check=check,
    thresholds=(
        HALF,
        FEWEST,
        SYMBOL,
        Threshold("repeated 3-grams", REPEATED_SHARE, "share", "99 of 100 pieces of prose and code stay below 0.36"),
        Threshold(
            "doubled words", STUTTERED_SHARE, "share of words", "prose has less than 0.06 at its 99th percentile"
        ),
    ),
)
