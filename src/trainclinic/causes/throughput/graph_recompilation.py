"""The graph is compiled again and again, because shapes or other assumptions of the compiled code keep changing.

## Mechanism
A compiler turns a piece of the model into code for what it has seen: these shapes, these types,
these flags. When the next batch is different, a guard fails and the piece is compiled again, which
takes seconds to minutes. With a few shapes this ends soon. With a new length in every batch,
experts that get other numbers of tokens, or a Python number that changes each step, it goes on
until a limit is reached, after which the code runs uncompiled and slowly for good. Static-graph
devices and backends that cache one program for each shape have the same trouble without any flag.
Three kinds of change are behind most cases: the length of the batch, the number of rows in the
last batch of a pass, and values that Python holds (a counter, a flag, the length of a cache).
Switching between training and evaluation compiles a second version, which is normal and happens
once.

## What it looks like
A first step of minutes, and then more steps that are ten to a hundred times slower than their
neighbours, at first sight of each new length. Messages name a cache size limit, a failed guard or
a size mismatch. The pace improves as known shapes come round again, or settles at a level worse
than without compilation. The loss is what it would be otherwise.
Compilation keeps one processor core at full load while the device is idle, and the first passes
over a data set with many lengths are slower than later ones. With a limit of eight versions for
each piece (the default of PyTorch) the messages come early in the run; with a larger limit the
slow steps simply go on.

## What else looks like it
- One compilation at the start: a single slow first step, then a steady pace. This is normal.
- A slow loader: an idle processor and device; compiling keeps the processor busy.
- Evaluations and saves: at their steps.
- Swapping: memory grows, and no compiler speaks.

## How to decide
Switch on the compiler's own log (`TORCH_LOGS=recompiles`) for fifty steps: it names each failed
guard. Or pad all batches to one length, or mark the dimension as dynamic: if slow steps vanish,
the shapes were it. Compare the pace with compilation off; compilation that never pays should be
off.
Sort lengths into a few buckets, say multiples of 64 or 128, and drop the last incomplete batch.
Where that is not enough, take the part with changing shapes out of the graph
(`torch.compiler.disable`) and compile the layers one by one.
Warm up with one batch of each bucket before the clock is started, so that the pace of the run is
the pace of compiled code.

## Typical false diagnosis
"The GPU is slow". The fast steps between the slow ones show what it can do.

## References
- [PyTorch, dynamic
  shapes](https://docs.pytorch.org/docs/stable/torch.compiler_dynamic_shapes.html): when code is
  compiled again, and how to avoid it
- [PyTorch, compile
  troubleshooting](https://docs.pytorch.org/docs/stable/torch.compiler_troubleshooting.html):
  reading recompilation logs
- [huggingface/lerobot#4178](https://github.com/huggingface/lerobot/issues/4178): a compiled policy
  against the eager one
"""

from __future__ import annotations

from trainclinic.catalogue.cause import OFTEN, RARELY, SOMETIMES, USUALLY, Cause, Expect

CAUSE = Cause(
    slug="graph-recompilation",
    title="Repeated graph recompilation",
    family="throughput",
    incidents=1,
    decided_by=("log", "config", "script"),
    decisive_test="Run fifty steps with `TORCH_LOGS=recompiles`, then with all batches padded to one length",
    false_diagnosis="a slow device",
    expects=(
        Expect("data-dependent-shapes-under-compile", USUALLY, "every new shape is a new graph"),
        Expect("recompilation-warning", USUALLY, "the compiler says which guard failed or that its cache is full"),
        Expect("compiled-model", USUALLY, "only compiled code can be compiled again"),
        Expect("slow-first-steps", OFTEN, "the first sight of each shape is a compilation"),
        Expect("variable-length-batches", OFTEN, "a new length is a new shape"),
        Expect("idle-device-stall", SOMETIMES, "the device waits while the processor compiles"),
        Expect("throughput-step-change", RARELY, "after the limit the code runs uncompiled for good"),
        Expect("periodic-stall", RARELY, "the odd last batch of each pass has a shape of its own"),
        Expect("noisy-loss", RARELY, "batches of very unequal length scatter in their loss too"),
    ),
    confused_with=("slow-data-loading",),
)
