"""The evidence supports no listed cause, or supports several equally well.

## Mechanism
A diagnosis from a log is a conclusion from effects. Some effects have many causes: NaN from some
step on, a loss that is a little too high, a run that is slower than hoped. Some causes leave no
effect in the material at hand, because the log is short, the columns that would tell are missing,
or nobody looked at a single output. And the list of causes is not complete. Instabilities whose
reason was never found are part of the public record as well: a bf16 run whose weights turned NaN
without any warning, a zero loss that went away with a reinstallation.
The honest name for all of this is "not decided". A share of the probability stays here in every
diagnosis; it grows when strong symptoms are explained by nothing on the list, and when two sources
contradict each other.
Nor is every strange row worth an explanation. Machines fail, files are cut while they are copied,
and logs are edited by hand before they are shown.

## What it looks like
Symptoms that are real but not specific, few rows, no configuration, no evaluation, no generations.
Or specific symptoms that no single cause, and no two together, produce. Or logs and configurations
that do not belong to the same run.
Several causes with nearly the same probability, each supported by the same few symptoms, and a
list of things that could not be evaluated which is longer than the list of things seen. A
diagnosis that changes with every added row belongs here too.

## What else looks like it
- A known cause whose decisive column was not logged: the list of what could not be evaluated says
  so.
- Two faults at once, where each hides the signs of the other.
- A healthy run with a strange habit: the explanations of that family are weighed as well.
- Files of several runs in one folder that were read as one.

## How to decide
Do the cheapest test that would move the most. In most cases it is one of these: read ten outputs;
print ids, labels and their number for one batch; compute the loss of the first batch in float32 in
a single process; count non-finite parameters after one step; log every step with the filter
switched off. Each rules out a whole family in minutes, and the report names the one that is worth
the most here.
What to add to a run so that the next diagnosis can decide, in the order of its price: the full
console output instead of an excerpt; the configuration that was really used; the versions of the
libraries; one evaluation before the first step; the gradient norm and the learning rate in every
row; ten outputs to fixed prompts at each evaluation.
If a run cannot be repeated, keep the last good and the first bad checkpoint. Most tests need no
more than these two and one batch.

## Typical false diagnosis
Any single cause that is named with confidence. Where the evidence decides nothing, lowering the
learning rate is a guess like any other, and it takes a day to be refuted.

## References
- [nanoGPT issue on bf16](https://github.com/karpathy/nanoGPT/issues/554): weights that turn NaN
  without a message
- [Decision-theoretic troubleshooting](https://arxiv.org/abs/1302.3563): choosing the next test by
  its cost and by what it tells
- [Transformers, debugging](https://huggingface.co/docs/transformers/debugging): underflow and
  overflow detection
"""

from __future__ import annotations

from trainclinic.catalogue.cause import Cause

CAUSE = Cause(
    slug="unknown",
    title="Cause not decided by the evidence",
    family="undetermined",
    incidents=3,
    decided_by=("log",),
    decisive_test="Make the cheapest test of the list of next tests, and diagnose again with its result",
    false_diagnosis="any confident single cause",
)
