"""Circumstances of implementations: attention, compiled graphs, fused losses, recomputed activations."""

from __future__ import annotations

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Evidence, NotEvaluated, Present, Verdict
from trainclinic.findings.stated import absent, by_flag, framework, mentioned, present
from trainclinic.record.facts import Fact
from trainclinic.signals.measured import Measured


def _on_apple(run: Measured) -> Fact | None:
    device = run.record.facts.get("device")
    return device if device is not None and device.value == "mps" else None


def _fused_loss(run: Measured) -> Verdict:
    stated = by_flag(run, "fused_loss_kernel")
    if stated is not None:
        return stated
    tool, banner, apple = run.record.facts.get("framework"), run.record.versions.get("unsloth"), _on_apple(run)
    if tool is not None and "unsloth" in framework(run):
        return present(tool, "it replaces the loss of the models it patches")
    if banner is not None and banner.how == "printed":
        return present(banner, "it replaces the loss of the models it patches")
    if apple is not None:
        return absent(apple, "these kernels are written for Triton")
    return NotEvaluated("whether a fused loss kernel is used (`use_liger_kernel`)")


def _compiled(run: Measured) -> Verdict:
    seen = mentioned(run, r"torch\._(?:dynamo|inductor)|recompil", "the log has messages of the compiler")
    return by_flag(run, "torch_compile") or seen or NotEvaluated("whether the model is compiled (`torch_compile`)")


def _checkpointing(run: Measured) -> Verdict:
    stated = by_flag(run, "gradient_checkpointing")
    seen = mentioned(
        run,
        r"requires_grad=True\. gradients will be none|with gradient checkpointing|torch\.utils\.checkpoint",
        "the log has a message about checkpointed activations",
    )
    tool = run.record.facts.get("framework")
    if stated is None and seen is None and tool is not None and "llama-factory" in framework(run):
        return present(tool, "it recomputes activations unless `disable_gradient_checkpointing` is set")
    return seen or stated or NotEvaluated("whether activations are recomputed (`gradient_checkpointing`)")


def _flash(run: Measured) -> Verdict:
    attention, apple = run.record.facts.get("attention_implementation"), _on_apple(run)
    if attention is not None:
        return present(attention) if "flash" in str(attention.value).lower() else absent(attention)
    seen = mentioned(run, r"for Flash Attention version of", "the log speaks of the model's flash-attention version")
    if seen is not None:
        return seen
    if apple is not None:
        return absent(apple, "the package has no kernels for it")
    return NotEvaluated("the attention implementation (`attn_implementation`)")


def _cudnn(run: Measured) -> Verdict:
    events = run.record.events_of("cudnn-attention")
    if events:
        return Present((Evidence(f"the log says: {events[0].says}", events[0].source),))
    stated = run.record.facts.get("attention_implementation")
    if stated is not None and "sdpa" not in str(stated.value).lower():
        return absent(stated)
    return NotEvaluated("the kernel that scaled-dot-product attention chose")


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR914",
        slug="fused-loss-kernel",
        title="Logits and loss are computed by a fused kernel.",
        matters="Such kernels have had defects of their own: gradients in the wrong place, sums instead of means.",
        needs=("fused_loss_kernel", "framework", "device"),
        check=_fused_loss,
    ),
    Circumstance(
        code="CIR915",
        slug="compiled-model",
        title="The model is compiled.",
        matters="Recompilation costs time at each new shape, and a wrong graph differs from eager execution.",
        needs=("torch_compile", "events"),
        check=_compiled,
    ),
    Circumstance(
        code="CIR916",
        slug="activation-checkpointing",
        title="Activations are recomputed in the backward pass.",
        matters="It cuts the graph of an adapter when no input requires gradients.",
        needs=("gradient_checkpointing", "framework", "events"),
        check=_checkpointing,
    ),
    Circumstance(
        code="CIR930",
        slug="flash-attention",
        title="Attention runs in the flash-attention package.",
        matters="It reads padding and packed positions in its own way and has its own backward pass.",
        needs=("attention_implementation", "device", "events"),
        check=_flash,
    ),
    Circumstance(
        code="CIR947",
        slug="cudnn-attention",
        title="Attention runs in a kernel of cuDNN.",
        matters="torch chooses it by itself on new cards, and its backward pass has returned NaN in several releases.",
        needs=("events: cudnn-attention", "attention_implementation"),
        check=_cudnn,
    ),
)
