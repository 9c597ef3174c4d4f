"""Find out why an LLM fine-tuning run failed, prove it, and get to a model that works.

The public API is small on purpose: `diagnose` reads a run and says what it shows; `Diagnosis` is what it returns.
Importing this package imports neither numpy nor any machine-learning library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainclinic.diagnosis.diagnose import Diagnosis, diagnose

__all__ = ["Diagnosis", "__version__", "diagnose"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in {"diagnose", "Diagnosis"}:
        from trainclinic.diagnosis import diagnose as module

        return getattr(module, name)
    message = f"module `trainclinic` has no attribute `{name}`"
    raise AttributeError(message)
