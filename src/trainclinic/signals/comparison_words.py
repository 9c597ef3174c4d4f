"""What names of files, runs and columns say about a run: `train_cpu`, `bs1_ga32`, `packed`, `resumed_at_200`.

It knows words. It does not know whether runs are comparable.
"""

from __future__ import annotations

import re
from functools import cache

_WORDS = {
    "device": """cpu mps metal=mps cuda xpu tpu rocm npu gpu ascend=npu a100=cuda h100=cuda v100=cuda t4=cuda a10=cuda
        a10g=cuda l4=cuda 3090=cuda 4090=cuda m1=mps m2=mps m3=mps m4=mps""",
    "kernel": """fused unfused liger torch compiled compile=compiled inductor=compiled eager triton nocompile=eager
        noliger=torch cce=fused apex native=torch""",
    "attention": """eager sdpa flash fa2=flash fa3=flash flashattn=flash xformers cudnn math flex noflash=eager
        nosdpa=eager noattn=eager""",
    "packing": """packed packing=packed pack=packed paddingfree=packed varlen=packed unpacked nopacking=unpacked
        nopack=unpacked padded=unpacked onebyone=unpacked alone=unpacked separately=unpacked individually=unpacked""",
    "precision": """fp16=float16 float16 half=float16 bf16=bfloat16 bfloat16 fp32=float32 float32 tf32 amp=mixed mixed
        fp8""",
    "resume": """resume=resumed resumed continued=resumed restart=resumed restarted=resumed uninterrupted
        straight=uninterrupted oneshot=uninterrupted continuous=uninterrupted""",
    "reload": "reload=reloaded reloaded loaded=reloaded restored=reloaded save=saved saved memory=saved live=saved",
    "release": "upgrade upgraded=after downgrade=before downgraded=before nightly",
    "layout": """ddp fsdp fsdp2=fsdp singlegpu=1-device onegpu=1-device multigpu=several-devices
        singledevice=1-device""",
}
"""Words of each factor, with the value that they mean where it is another word."""
_NEUTRAL = """train training log logs metrics loss run output out console stdout stderr eval trainer state history
    results result nohup slurm csv final progress txt"""
NEUTRAL = frozenset(_NEUTRAL.split())
"""Words of names that distinguish nothing."""
_ENDING = r"\.(?:log|txt|csv|jsonl?|out|tsv|ndjson)$"
_ACCUMULATION = r"(?:ga|gas|accum|acc|gradaccum|gradacc|(?:gradient[ _])?accumulation(?:[ _]steps)?)[ _x=-]?(\d{1,4})"
_BATCH = r"(?:bs|batch|mbs|b)[_x=-]?(\d{1,5})"
_RATE = r"(?:lr|learning[ _-]?rate)[ _=:-]{0,3}(\d+(?:\.\d+)?e-?\d+|0?\.\d+)"
_VERSION = r"(?<![\d.e-])v?(\d{1,2}\.\d{1,3}(?:\.\d{1,3})?)(?!\d|\.\d|e-?\d)"
_STAGE = r"(?:zero|z)[ _-]?(?:stage)?[ _-]?([0-3])"
_DEVICES = r"(\d{1,4}|one|single|multi)[ _-]?(?:gpus?|devices?|ranks?|proc(?:esse)?s?)"
_SPLIT = r"(tp|pp|cp|sp|ep|dp|ulysses|ring)[ _=-]?(\d{1,4})"
_LENGTH = r"(?:seq|len|length|ctx|block|sl)[ _=-]?(\d{2,7})"


_NEGATED = r"(?:no|without|w/o)[ _-]?(?=pack|compile|liger|flash|sdpa)"
_SWITCHED_OFF = r"(?:^|[ _-])(liger|flash|sdpa|compile|pack)(?:ing|d|[ _-]?att\w*)?[ _-](?:off|disabled|false)(?![a-z])"
_PLAIN = frozenset(("unpacked", "unfused", "eager", "uninterrupted"))


@cache
def _lexicons() -> dict[str, dict[str, str]]:
    """Word -> value, by factor."""
    pairs = {factor: [word.partition("=") for word in words.split()] for factor, words in _WORDS.items()}
    return {factor: {word: value or word for word, _, value in said} for factor, said in pairs.items()}


@cache
def words_of(name: str) -> frozenset[str]:
    """The words of a name, in lower case: file endings and folders left out."""
    stem = re.sub(_ENDING, "", name.rpartition("/")[2].lower())
    return frozenset(word for word in re.split(r"[^a-z0-9.]+|(?<=[a-z])(?=\d{2,}\b)", stem) if word) | frozenset(
        word for word in re.split(r"[^a-z0-9]+", stem) if word
    )


@cache
def factors_of(name: str) -> dict[str, str]:
    """What a name says about the run: factor -> value, e.g. `{"device": "cpu"}`; read it, never change it."""
    lowered = re.sub(_ENDING, "", name.rpartition("/")[2].lower())
    words = words_of(name)
    words = words | words_of(_joined(lowered))
    found = {factor: value for factor, lexicon in _lexicons().items() if (value := _value(words, lexicon))}
    if "before" in words and found.get("reload"):
        found["reload"] = "saved"
    elif "after" in words and found.get("reload"):
        found["reload"] = "reloaded"
    if "release" in found and words & {"before", "after", "old", "new"}:
        found["release"] = "before" if words & {"before", "old"} else "after"
    for factor, expression in (("accumulation", _ACCUMULATION), ("rate", _RATE), ("length", _LENGTH)):
        if match := re.search(rf"(?:^|[^a-z0-9]){expression}(?![a-z0-9.])", lowered):
            found[factor] = match[1]
    if "accumulation" not in found and (match := re.search(rf"(?:^|[^a-z0-9]){_BATCH}(?![a-z0-9.])", lowered)):
        found["batch"] = match[1]
    if match := re.search(_VERSION, lowered):
        found["release"] = match[1]
    if layout := _layout(lowered):
        found["layout"] = layout
        if found.get("device") == "gpu":
            found.pop("device")  # `single_gpu` counts devices
    return found


def _layout(lowered: str) -> str:
    """How a name says that the work is spread over devices; empty when it does not."""
    said = []
    if match := re.search(rf"(?:^|[^a-z0-9]){_STAGE}(?![a-z0-9.])", lowered):
        said.append(f"ZeRO-{match[1]}")
    said += [f"{kind}{size}" for kind, size in re.findall(rf"(?:^|[^a-z0-9]){_SPLIT}(?![a-z0-9.])", lowered)]
    if not said and (match := re.search(rf"(?:^|[^a-z0-9]){_DEVICES}(?![a-z0-9])", lowered)):
        said.append({"one": "1-device", "single": "1-device", "1": "1-device"}.get(match[1], "several-devices"))
    return " ".join(said)


def _joined(lowered: str) -> str:
    """The name with each denial as one word: `no_flash` and `flash_attn_off` as `noflash`."""
    joined = re.sub(_NEGATED, "no", lowered).replace("one by one", "onebyone")
    return re.sub(_SWITCHED_OFF, r" no\1", joined)


def _value(words: frozenset[str], lexicon: dict[str, str]) -> str:
    """What the words say about one factor, denials and plain paths first; empty when they say nothing."""
    said = [word for word in sorted(words) if word in lexicon]
    said.sort(key=lambda word: (not word.startswith("no"), lexicon[word] not in _PLAIN))
    return lexicon[said[0]] if said else ""
