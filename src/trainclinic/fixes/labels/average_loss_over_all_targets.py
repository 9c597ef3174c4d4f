"""Divide the summed loss of an optimizer step by the number of its targets, over all micro-batches and devices.

## Why it works
An update should follow the mean over all target tokens of its batch, however the batch was cut for memory. Two ways
miss it. If nobody divides, loss and gradient are the right ones times the accumulation: 10.59 beside an `eval_loss` of
1.95 at an accumulation of 5. If every micro-batch is divided by its own count, a row with 20 targets weighs as much as
one with 2,000, and 1 x 32 ends a few percent above 32 x 1. One sum over one count gives the same number in each layout.
The Trainer counts targets over the whole accumulation and all processes, and hands the count to `compute_loss_func` as
`num_items_in_batch`; it does not divide again after that. An override of `compute_loss` that drops the count is divided
by nobody as soon as the model accepts it.
Go on from the weights with a fresh optimizer. After gradients that were n times too large Adam divides by a root that
is n times too large as well, and at a beta2 of 0.999 it forgets that over thousands of steps.

## What it does not do
Adam hardly minds a constant factor, so that most checkpoints are sound and the end result changes little; what changes
is the log, and clipping, which had cut every step. It does not make a small batch less noisy. Training losses from
before and after cannot be compared, evaluation losses can.

## References
- https://github.com/huggingface/transformers/pull/34191
- https://github.com/huggingface/transformers/pull/35438
- https://github.com/huggingface/transformers/issues/37766
- https://huggingface.co/docs/accelerate/usage_guides/gradient_accumulation
"""

from __future__ import annotations

from trainclinic.fixes.fix import CURES, Edit, Expectation, Fix, Treats
from trainclinic.recipe.patch import Patch

FIX = Fix(
    slug="average-loss-over-all-targets",
    title="Average the loss over all targets of a step",
    kind="script",
    change=(
        "Sum the loss of each micro-batch and divide it by the number of targets of the whole step: take "
        "`num_items_in_batch` in a `compute_loss_func` of the Trainer, and count over all micro-batches and processes "
        "in a loop of your own"
    ),
    treats=(
        Treats(
            "gradient-accumulation-misnormalisation",
            CURES,
            "every target weighs the same, whichever micro-batch or device it came in",
        ),
    ),
    expects=(
        Expectation("10 steps with the same rows as 1 x n and as n x 1 give losses that agree within 0.5 %"),
        Expectation(
            "the first loss lies in {expected_first_loss} instead of {logged_first_loss} at {accumulation} forward "
            "passes per step, and close to the first `eval_loss`",
            "the first loss lies within 0.3 of the first `eval_loss`, at any accumulation",
        ),
        Expectation("the gradient norm no longer grows with the accumulation, and most steps are not clipped"),
    ),
    check=(
        "Train 10 steps on the same global batch with accumulation 1 and with n, same seed and no dropout, and compare "
        "the logged losses: they may differ by 0.5 % at most"
    ),
    risk="The size of gradients changes, so that a `max_grad_norm` tuned under the fault acts less often than before",
    minutes=20,
    restart="the last checkpoint",
    patches=(Patch("loss.normalised_by", "every target should weigh the same in an update", to="targets"),),
    edit=Edit(
        before="""\
class MyTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        out = model(**inputs)
        loss = F.cross_entropy(out.logits[:, :-1].flatten(0, 1), inputs["labels"][:, 1:].flatten())
        return (loss, out) if return_outputs else loss
""",
        after="""\
def mean_over_targets(out, labels, num_items_in_batch=None):
    targets = labels[:, 1:].flatten()
    total = F.cross_entropy(out.logits[:, :-1].flatten(0, 1).float(), targets, ignore_index=-100, reduction="sum")
    return total / ((targets != -100).sum() if num_items_in_batch is None else num_items_in_batch)


trainer = Trainer(model=model, args=args, train_dataset=rows, compute_loss_func=mean_over_targets)
""",
        note="With the plain loss of a model of transformers no override is needed at all.",
    ),
    commands=("trainclinic lint train.py",),
)
