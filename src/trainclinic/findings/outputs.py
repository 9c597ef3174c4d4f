"""What every rule about generated texts asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainclinic.catalogue.verdict import NotEvaluated

if TYPE_CHECKING:
    from trainclinic.signals.generated_text import OutputShape
    from trainclinic.signals.measured import Measured

NO_SAMPLES = NotEvaluated("generated samples (`generations.jsonl` with `prompt` and `output`)")


def written_outputs(run: Measured) -> list[OutputShape] | NotEvaluated:
    """The outputs that hold any text, or why there is none to judge."""
    texts = run.generated_texts
    if texts is None:
        return NO_SAMPLES
    return [shape for shape in texts.shapes if not shape.blank] or NotEvaluated("an output that is not empty")
