"""The run does what this recipe does, and what looks odd in its log has an ordinary reason.

## Mechanism
A fine-tune starts where an intact model stands on such text, gains most in the first tenth of its
steps, and then falls as a power of the steps until the noise hides the slope. Around this there is
a good deal of harmless oddity. A batch of one has noise as large as its gain. Spikes of a few
steps that come back come from rare batches and an optimizer that reacts to them. Batches grouped
by length put the longest rows first, again and again. A high but steady gradient norm is a matter
of scale, since Adam does not care. Dropout and window means lift the training loss above the
held-out one. Compilation and allocation slow the first steps, and evaluations and saves slow some
later ones. Steps between the last save and a crash are run twice.
None of this lasts, grows or reaches a level at which a sound model does not stand.

## What it looks like
A plausible first loss, a fall that becomes slower, a held-out loss that falls along or is flat,
finite gradients without a trend, a learning rate that fits its plan. At the end either a slope
that is still there, or a rate that has reached its planned end, or the noise floor of the data
inside the range in which other fine-tunes of this model end.

## What else looks like it
- Slow learning because the rate is too low: the loss falls in proportion to the summed rate and
  has not reached its slow part.
- A plateau at word frequencies, or at any level that other runs of this model leave behind: not a
  floor.
- Excursions that grow, or come with a growing gradient norm: not noise.
- A sawtooth of data sources: its period is that of the sources, not of length groups.

## How to decide
There is no single proof of health; what counts is that each test that would show a fault was made
and shows none. Check the first loss against a reference, the held-out loss over the last third,
the gradient norm for a trend and the rate against its plan. Then read ten outputs to new prompts.
That last test is the only one that a log cannot replace.

## Typical false diagnosis
"Explosion" for a spike that came back, "a plateau" for a noise floor, "overfitting" for a constant
distance between two curves, "too small a batch" for noise. Each of them has a number that refutes
it.

## References
- [artidoro/qlora#84](https://github.com/artidoro/qlora/issues/84): periodic spikes of grouped
  lengths, with a sound model at the end
- [Trainer arguments](https://huggingface.co/docs/transformers/main_classes/trainer):
  `group_by_length` and the meaning of the logged columns
- [PaLM](https://arxiv.org/abs/2204.02311): spikes in a run that ended well
- [Scaling laws for neural language models](https://arxiv.org/abs/2001.08361): the power law of the
  descent
"""

from __future__ import annotations

from trainclinic.catalogue.cause import ALWAYS, RARELY, USUALLY, Cause, Expect
from trainclinic.causes.never_healthy import never_healthy

CAUSE = Cause(
    slug="normal-convergence",
    title="Ordinary convergence",
    family="healthy-explanation",
    incidents=2,
    decided_by=("log", "config"),
    decisive_test=(
        "Compare the first loss with a reference, the held-out loss over the last third with its error, and "
        "ten outputs to new prompts with the base model's"
    ),
    false_diagnosis="an explosion or a plateau",
    # Whatever else an ordinary run shows, it shows as often as any other: that is what background rates are.
    expects=(
        Expect("plausible-first-loss", ALWAYS, "an intact model with correct targets starts in its known range"),
        Expect("length-grouped-batches", RARELY, "grouping by length saves padding, and it shows in the curve"),
        Expect("periodic-loss-pattern", RARELY, "batches grouped by length begin each group with the longest rows"),
        Expect("periodic-stall", RARELY, "evaluations and saves take time at regular steps"),
        Expect("planned-pauses", USUALLY, "what recurs in an ordinary run is a pause that the configuration asks for"),
    ),
    excluded_by=never_healthy(),
    confused_with=("learning-rate-too-high", "corrupt-input-data"),
)
