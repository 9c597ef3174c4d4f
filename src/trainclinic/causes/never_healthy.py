"""Symptoms that no healthy run shows: with one of them, "nothing is wrong" is no longer an explanation.

Only what a careful reader would bet a thousand to one on stands here. A plateau, a spike, a rising evaluation loss or
an odd output may have a harmless reason, so they are left to the weights of evidence. What else a healthy explanation
cannot be reconciled with stands in its own file.
"""

from __future__ import annotations

from trainclinic.catalogue.cause import Excluded

NUMBERS = (
    Excluded("nan-loss", "a healthy run has a loss in every row"),
    Excluded("nan-hidden-as-zero", "a loss of 0 that hides NaN is a failure, however smooth the log looks"),
    Excluded("nan-filter-inflation", "a loss that the logging filter inflated hides values that are not finite"),
    Excluded("hidden-non-finite-loss", "a non-finite loss was seen although the log shows a finite one"),
    Excluded("non-finite-weights", "weights that are not finite can compute nothing"),
    Excluded("persistent-nan", "a run that is never finite again has ended, whatever it still prints"),
    Excluded("nan-at-zero-learning-rate", "values that are broken before any update are not a matter of taste"),
    Excluded("nan-after-first-update", "an update that breaks the weights is not a healthy one"),
    Excluded("finite-loss-with-nan-gradient-norm", "gradients that are never finite teach nothing"),
    Excluded("falling-loss-scale", "a scale that ends at its floor has found no scale at which the run works"),
    Excluded("nan-eval-loss", "an evaluation that gives no number has failed"),
)
"""Values that are not finite, openly or behind a filter."""
LEARNING = (
    Excluded("loss-exactly-zero", "a loss of exactly 0 in row after row is a missing signal, not a good model"),
    Excluded("zero-gradient-norm", "a gradient of exactly 0 changes nothing although the learning rate is alive"),
    Excluded("zero-gradient-norm-from-save", "gradients that end with a save were cut by it"),
    Excluded("unchanged-weights", "weights that stay the same are not being trained"),
    Excluded("no-trainable-parameters", "without trainable parameters nothing is trained"),
    Excluded("zero-token-accuracy", "a model that predicts not a single target right has no targets"),
    Excluded("early-zero-learning-rate", "a rate that is 0 long before the planned end wastes the rest of the run"),
)
"""Nothing is learned."""
LEVELS = (
    Excluded("initial-loss-above-uniform", "a sound model is never worse than guessing every token alike"),
    Excluded("initial-loss-too-high", "an intact pretrained model with correct targets does not start there"),
    Excluded("plateau-at-unigram-entropy", "a model that uses its context leaves the entropy of word frequencies"),
    Excluded("loss-multiple-of-accumulation", "a loss that is a whole multiple of the true one is wrongly summed"),
    Excluded("loss-divergence", "a loss that rises for good is not what the recipe gives"),
    Excluded("isolated-giant-loss", "a row that is orders of magnitude above its neighbours is not noise"),
    Excluded("fresh-loss-after-resume", "a resume that begins anew has lost what was learned"),
)
"""The loss stands or ends where no sound run does."""
REPORTS = (
    Excluded("device-side-assert", "a failed index check ended the run"),
    Excluded("float16-gradient-unscale-error", "the optimizer refused to work with float16 parameters"),
    Excluded("token-id-beyond-vocabulary", "a token without an embedding row cannot be trained"),
    Excluded("rows-without-labels-report", "rows in which every label is ignored teach nothing"),
    Excluded("ignored-answer-labels", "answers that are ignored are not learned"),
    Excluded("trained-tensors-missing-from-save", "what was trained and not saved is lost"),
    Excluded("implausible-weight-values", "weights of such a size come from unwritten memory or a failed update"),
    Excluded("loss-differing-between-devices", "one batch has one loss; two devices that disagree are not both right"),
)
"""What messages and checks say beyond doubt."""


def never_healthy(*normal: str) -> tuple[Excluded, ...]:
    """The exclusions that every healthy explanation shares.

    Args:
        normal: Slugs that this explanation makes normal, and which therefore do not exclude it.
    """
    return tuple(rule for rule in NUMBERS + LEARNING + LEVELS + REPORTS if rule.finding not in normal)
