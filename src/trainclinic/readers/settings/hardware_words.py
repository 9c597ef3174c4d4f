"""Accelerators and library versions in free text: `GPU: Tesla V100`, `torch 2.13, Apple M5 Pro, device mps`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from trainclinic.readers.settings.interpreter import LIBRARIES

_GPU_WORDS = r"\b(?:gpus?|gpu\s*\d+|accelerator|device name|card)\b"
_GPU_FIELD = _GPU_WORDS + r"(?:\s*(?:name|models?(?: and configuration)?|type))?\s*[:=]\s*(?:gpu\s*\d+:\s*)?"
_APPLE = r"Apple (?:M\d+(?: (?:Pro|Max|Ultra))?|M-series|silicon)"
_AMD = r"(?:AMD )?(?:gfx\d{3,4}\w?|Instinct [\w-]+|Radeon [\w -]+|MI\d{3}X?)"


def versions_in(line: str) -> Iterator[tuple[str, str]]:
    """(library, version) pairs that a line of free text names; only libraries of training stacks are looked for."""
    for found in _version_pattern().finditer(line):
        name = found[1].lower().replace("_", "-").replace(" ", "-")
        yield {"pytorch": "torch"}.get(name, name), found[2].rstrip(".")


@cache
def _version_pattern() -> re.Pattern[str]:
    names = "|".join(sorted((name.replace("_", "[-_ ]") for name in LIBRARIES), key=len, reverse=True))
    return re.compile(
        rf"(?<![\w./-])`?({names})`?(?:\s+version)?(?:\s*\(GPU\?\))?\s*(?:==|=|:)?\s*v?(\d+\.\d+[\w.+-]*)", re.I
    )


def gpu_in(line: str) -> str | None:
    """The accelerator that a line names, as it is written, or `None`."""
    found = _field_pattern().search(line)
    if (
        found
        and re.search(r"[A-Za-z]{2}", found[1])
        and not re.match(r"(?i)true|false|none|yes|no\b|script|using", found[1])
    ):
        return found[1].strip().rstrip(".,;")
    found = _name_pattern().search(line)
    return found[0].strip().rstrip(".,;-") if found else None


@cache
def _field_pattern() -> re.Pattern[str]:
    return re.compile(rf"{_GPU_FIELD}([^,;|\n]{{2,60}})", re.I)


@cache
def _name_pattern() -> re.Pattern[str]:
    nvidia = r"(?:Tesla [A-Z]\d+[\w-]*|(?:NVIDIA |GeForce )+(?:RTX |GTX )?[\w-]+(?: Ti)?|RTX \d{4}(?: Ti)?)"
    return re.compile(rf"\b(?:\d{{1,3}}\s?[x×]\s?)?(?:{_APPLE}|{nvidia}|{_AMD})\b")


@cache
def _server_pattern() -> re.Pattern[str]:
    """Server GPUs by their bare names; only where a line is about a machine, since `T4` may be anything elsewhere."""
    models = "A100|A800|A6000|A40|A10G?|B200|GH200|H20|H100|H200|H800|K80|L40S?|L4|P100|P40|T4|V100S?"
    return re.compile(
        rf"(?<![\w./-])(?:\d{{1,4}}\s?[x×*]\s?)?(?:{models})(?![\w.])(?:[- ](?:SXM\d?|PCIe|NVL))?(?:[- ]\d+ ?GB)?", re.I
    )


def server_gpu_in(line: str) -> str | None:
    """What a line about a machine names: `8x A100 80GB`, `Apple M3 Max` for `MacBook Pro M3 Max`, `AMD GPU (ROCm)`."""
    found = _server_pattern().search(line)
    if found:
        return found[0].strip()
    mac = re.search(r"\bMac\w*[\w ,(-]*?\b(M[1-9](?: (?:Pro|Max|Ultra))?)\b|\b(M[1-9] (?:Pro|Max|Ultra))\b", line)
    if mac:
        return f"Apple {mac[1] or mac[2]}"
    return "AMD GPU (ROCm)" if re.search(r"(?<!no )\bROCm\s*[:=v]?\s*\d", line, re.I) else None


def device_in(line: str) -> str | None:
    """The device that a line states in so many words: `device mps`, `device: cuda:0`."""
    found = re.search(r"\bdevice(?:\s+type)?\s*[:=]?\s+['\"]?(cpu|cuda|mps|xpu|tpu|npu)\b", line, re.I)
    return found[1].lower() if found else None
