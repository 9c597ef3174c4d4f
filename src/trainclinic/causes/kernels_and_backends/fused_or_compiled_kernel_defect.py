"""A fused loss kernel or a compiled graph computes another loss or gradient than the plain code it replaces.

## Mechanism
Fused cross-entropy kernels join the head, the softmax and the backward pass to save memory. They make assumptions:
gradients are written in the forward pass, a mean reduction, no weights applied afterwards, a contiguous input. Outside
of them the loss may be right and the gradient 0, or both wrong. `torch.compile` rewrites whole graphs, and a wrong
guard, a wrong fusion or a precision change gives NaN or a loss that does not move. The plain path with the same
weights and batch is right.

## What it looks like
It depends on the kernel:
- a gradient norm of exactly 0 beside a normal, never-changing loss (per-token weights applied outside the kernel);
- a run that falls at first, turns and settles at 7-8 while the plain loss goes on to 4.6;
- zeros in place of a loss;
- NaN with the first compiled step, or a loss that does not move only when compiled.

What these share is the switch: the failure comes with `use_liger_kernel`, a fused cross-entropy or `torch.compile`, and
goes without it, at any learning rate.

## What else looks like it
- A cut graph: gradient 0 as well, with checkpointing or a frozen input as the reason, and without any fused kernel.
- A frozen adapter: gradient 0 under the plain loss too.
- A learning rate that is too high: the plain path diverges at the same rate.
- A defective attention kernel: it is the attention setting that switches it.

## How to decide
One batch, two paths, in float32:

    plain = torch.nn.functional.cross_entropy(hidden @ head.weight.T, targets)
    fused = fused_loss(head.weight, hidden, targets)
    print(plain.item(), fused.item())

Compare the gradients of the head as well; more than 1 % apart is a defect. For a compiled model compare with
`backend="eager"` and then `"aot_eager"`: the first that is wrong names the stage. In a run, turn off one switch at a
time for 200 steps with the same seed.

## Typical false diagnosis
"The learning rate" or "the data", since nothing in the recipe seems special.

## References
- https://github.com/linkedin/Liger-Kernel/issues/968
- https://github.com/linkedin/Liger-Kernel/issues/512
- https://github.com/pytorch/pytorch/issues/113180
- https://docs.pytorch.org/docs/stable/torch.compiler_troubleshooting.html
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Excluded, Expect

CAUSE = Cause(
    slug="fused-or-compiled-kernel-defect",
    title="Defective fused loss or compiled graph",
    family="kernels-and-backends",
    incidents=5,
    decided_by=("config", "script", "log", "probe"),
    decisive_test=(
        "Compute loss and gradients of one batch with the fused or compiled path and with the plain one, in float32: "
        "more than 1 % apart is the defect"
    ),
    false_diagnosis="the learning rate or the data",
    expects=(
        Expect("loss-differing-between-kernels", USUALLY, "the plain path with equal settings is clean"),
        Expect("fused-loss-kernel", OFTEN, "the fused loss is what computes the wrong gradient"),
        Expect("compiled-model", OFTEN, "the other form sits in the graph that `torch.compile` builds"),
        Expect("zero-gradient-norm-from-start", SOMETIMES, "a kernel that writes gradients early loses later factors"),
        Expect("zero-gradient-norm", SOMETIMES, "outside its reductions the kernel returns a gradient of 0"),
        Expect("flat-loss-from-start", SOMETIMES, "a right loss with a gradient of 0 never moves"),
        Expect("loss-divergence", SOMETIMES, "wrong gradients push the loss up again at a harmless rate"),
        Expect("nan-loss", SOMETIMES, "a compiled graph may return NaN with its first step"),
        Expect("wrong-value-before-first-update", SOMETIMES, "the kernel is wrong on the untouched weights already"),
        Expect("loss-exactly-zero", RARELY, "a kernel that skips its targets reports 0"),
        Expect("recompilation-warning", RARELY, "graphs with changing shapes are compiled again and again"),
    ),
    excluded_by=(Excluded("failure-with-every-kernel", "the failure stays with the plain implementation"),),
    confused_with=("learning-rate-too-high",),
)
