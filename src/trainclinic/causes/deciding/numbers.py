"""Tests about precision, kernels, backends and what is trained."""

from __future__ import annotations

from trainclinic.catalogue.deciding import DecidingTest

TESTS = (
    DecidingTest(
        slug="dtype-of-trained-parameters",
        question="Is a parameter that is trained float16?",
        how="print({p.dtype for p in model.parameters() if p.requires_grad})",
        minutes=1,
        yes={"half-precision-adapter-weights": 0.98, "half-precision-weights-without-master-copy": 0.98},
        otherwise=0.04,
        answered_by=("half-precision-parameters", "half-precision-dtype-printed"),
    ),
    DecidingTest(
        slug="parameters-after-one-step",
        question="Are parameters non-finite after exactly one optimizer step on a finite loss?",
        how="optimizer.step()\nprint(sum(int((~p.isfinite()).sum()) for p in model.parameters() if p.requires_grad))",
        minutes=2,
        yes={
            "half-precision-adapter-weights": 0.9,
            "half-precision-weights-without-master-copy": 0.9,
            "distributed-update-corruption": 0.8,
            "quantization-kernel-defect": 0.3,
            "attention-kernel-defect": 0.5,
        },
        answered_by=("non-finite-weights",),
    ),
    DecidingTest(
        slug="same-batch-in-float32",
        question="Is the batch that fails finite when the model runs in float32 (or bfloat16)?",
        how="model.float(); print(model(**batch).loss)  # the batch of the first bad step",
        minutes=5,
        yes={
            "fp16-range-overflow": 0.95,
            "half-precision-adapter-weights": 0.9,
            "half-precision-weights-without-master-copy": 0.9,
            "mixed-precision-misconfiguration": 0.8,
            "attention-kernel-defect": 0.4,
            "quantization-kernel-defect": 0.6,
            "corrupt-input-data": 0.02,
            "fully-masked-labels": 0.02,
            "truncated-answers": 0.02,
            "pretrained-weights-not-loaded": 0.05,
        },
        otherwise=0.3,
    ),
    DecidingTest(
        slug="largest-activation",
        question="Does an activation exceed 65,504, the largest float16 number?",
        how="for n, m in model.named_modules(): m.register_forward_hook("
        "lambda m, i, o, n=n: print(n, float(o.abs().max())) if hasattr(o, 'abs') else None)",
        minutes=5,
        yes={"fp16-range-overflow": 0.92, "pretrained-weights-not-loaded": 0.3},
        requires=("float16-training",),
    ),
    DecidingTest(
        slug="plain-attention",
        question="Does the fault go away with plain attention?",
        how='model = AutoModelForCausalLM.from_pretrained(name, attn_implementation="eager")',
        minutes=5,
        yes={"attention-kernel-defect": 0.93, "fully-masked-attention-rows": 0.6, "causal-mask-leak": 0.3},
        otherwise=0.04,
    ),
    DecidingTest(
        slug="batch-without-padding",
        question="Is a batch of one row, without padding, finite where a padded batch is not?",
        how="for row in rows: print(model(**tokenizer(row, return_tensors='pt')).logits.isfinite().all())",
        minutes=3,
        yes={"fully-masked-attention-rows": 0.95, "padding-side-mismatch": 0.8},
        answered_by=("nan-only-in-padded-rows", "batch-dependent-output"),
    ),
    DecidingTest(
        slug="same-batch-on-cpu",
        question="Does the same batch with the same weights give another loss on the CPU?",
        how="print(model(**batch).loss, model.cpu()(**{k: v.cpu() for k, v in batch.items()}).loss)",
        minutes=3,
        yes={"mps-instability": 0.95, "attention-kernel-defect": 0.5, "quantization-kernel-defect": 0.5},
        answered_by=("loss-differing-between-devices",),
    ),
    DecidingTest(
        slug="without-fused-kernels",
        question="Does the loss change when fused losses and compilation are off?",
        how="# use_liger_kernel: false, torch_compile: false; same batch, same weights\nprint(model(**batch).loss)",
        minutes=5,
        yes={"fused-or-compiled-kernel-defect": 0.95},
        otherwise=0.03,
        answered_by=("loss-differing-between-kernels",),
    ),
    DecidingTest(
        slug="without-eight-bit",
        question="Does the fault go away with 16-bit weights and a 32-bit optimizer?",
        how="# load_in_8bit: false, optim: adamw_torch; 50 steps",
        minutes=10,
        yes={"quantization-kernel-defect": 0.93},
    ),
    DecidingTest(
        slug="future-token-perturbation",
        question="Do logits at a position change when a later token is changed?",
        how="a = model(ids).logits\nids[:, -1] = 5\nb = model(ids).logits\nprint((a[:, :-1] - b[:, :-1]).abs().max())",
        minutes=2,
        yes={"causal-mask-leak": 0.97, "packing-contamination": 0.2},
        otherwise=0.02,
    ),
    DecidingTest(
        slug="trained-weights-change",
        question="Do the trained weights change over 10 steps?",
        how="before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}\n"
        "# 10 steps later\n"
        "print({n: float((p - before[n]).abs().max()) for n, p in model.named_parameters() if n in before})",
        minutes=3,
        yes={
            "frozen-adapter": 0.03,
            "gradient-graph-cut": 0.1,
            "stale-optimizer-parameters": 0.03,
            "unapplied-configuration": 0.2,
            "bf16-update-rounding": 0.15,
        },
        otherwise=0.95,
        answered_by=("unchanged-weights", "zero-gradient-norm-from-start"),
    ),
    DecidingTest(
        slug="parameters-with-gradient",
        question="Has every trainable parameter a gradient after backward?",
        how="trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]\n"
        "print([n for n, p in trained if p.grad is None or not p.grad.any()])",
        minutes=1,
        yes={"gradient-graph-cut": 0.05, "frozen-adapter": 0.5, "fused-or-compiled-kernel-defect": 0.5},
        otherwise=0.93,
    ),
    DecidingTest(
        slug="optimizer-holds-the-model",
        question="Does the optimizer hold the parameters of the model that is trained?",
        how="own = {id(p) for p in model.parameters()}\n"
        "print(sum(id(p) in own for g in optimizer.param_groups for p in g['params']))",
        minutes=1,
        yes={"stale-optimizer-parameters": 0.03, "frozen-adapter": 0.5},
        otherwise=0.97,
    ),
    DecidingTest(
        slug="share-of-changed-elements",
        question="Did most elements of the bfloat16 weights change after 100 steps?",
        how="print({n: float((p != before[n]).float().mean()) for n, p in model.named_parameters() if n in before})",
        minutes=5,
        yes={"bf16-update-rounding": 0.05, "learning-rate-too-low": 0.6, "frozen-adapter": 0.02},
        otherwise=0.9,
        requires=("bfloat16-training",),
        answered_by=("updates-lost-in-low-precision-storage",),
    ),
)
