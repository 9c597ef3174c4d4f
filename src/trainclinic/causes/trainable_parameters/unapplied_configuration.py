"""A setting or an adapter is written down and never reaches the code that trains.

## Mechanism
A `LoraConfig` is built and `get_peft_model` is not called, so the base is trained, or nothing is.
Overrides are set on a temporary copy of a configuration: a property that builds a new object at each
access swallows every assignment. A launcher reads one file and the script another; an unknown key is
ignored; a default of the library differs from what the author believes it to be. The run is consistent
in itself. It is another run than the one that was ordered.

## What it looks like
- Curves that agree to the last digit under settings that must change them: the signature of the whole
  class.
- A learning rate, warm-up or batch size in the log that is not the configured one.
- A printed count of trainable parameters that is 0, or all of them, although an adapter was configured.
- Results that no tuning improves.

## What else looks like it
A frozen adapter and a stale optimizer do not react to settings either, but their loss is flat; here it
usually falls as it would without the setting. A schedule that is stepped too often deviates by a whole
factor; a setting that was ignored shows the default value. Two equal runs with one seed are healthy, as
long as nothing was meant to differ between them.

## How to decide
Change one setting to an absurd value, such as a rate a thousand times higher, and run five steps: a log
that does not change decides it. Then print the value at the place where it is used, not where it is
set, and count the parameters that require a gradient by name.

## Typical false diagnosis
The need for more tuning. Tuning a value that is not read cannot have an effect, and small differences
between such runs are noise of the seed.

## References
- https://github.com/huggingface/peft/issues/793
-
  https://github.com/andreidhoang/nanoseek/blob/e320f4ce919364fcaa5694a48fa1b4c2c2c6e879/TRAINING_FAILURE_ANALYSIS.md
- https://huggingface.co/docs/peft/quicktour
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, Cause, Expect

CAUSE = Cause(
    slug="unapplied-configuration",
    title="Settings or adapter defined but never applied",
    family="trainable-parameters",
    incidents=4,
    decided_by=("log", "script", "probe"),
    decisive_test="Set one setting to an absurd value and run five steps: a log that does not change decides it",
    false_diagnosis="the need for more tuning",
    expects=(
        Expect("discarded-merge", RARELY, "the merged model is thrown away and the plain one is saved"),
        Expect("override-on-temporary-object", OFTEN, "the value is set on an object that is thrown away"),
        Expect("unread-option", SOMETIMES, "nobody reads the option"),
        Expect("identical-curves-under-changed-settings", OFTEN, "a setting that nobody reads cannot change a digit"),
        Expect("adapter-never-attached", OFTEN, "an adapter configuration is built and not passed on"),
        Expect("learning-rate-differs-from-plan", SOMETIMES, "the log shows a default in place of the configured rate"),
        Expect("no-trainable-parameters", SOMETIMES, "the base is frozen and the adapter was never attached"),
        Expect("unchanged-weights", SOMETIMES, "without its adapter nothing is left to train"),
        Expect("failure-at-every-learning-rate", SOMETIMES, "runs at several rates were all run at the same one"),
        Expect("failure-in-every-precision", SOMETIMES, "a precision that the script overrides is the same each time"),
        Expect("flat-loss-from-start", SOMETIMES, "an adapter that is not attached learns nothing"),
        Expect("loss-plateau", RARELY, "the run that was not ordered ends at its own level"),
        Expect("loss-differing-between-releases", RARELY, "a default changed while the author relied on the old one"),
    ),
    confused_with=("learning-rate-too-low",),
)
