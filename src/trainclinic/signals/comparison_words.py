"""What names of files, runs and columns say about a run: `train_cpu`, `bs1_ga32`, `packed`, `resumed_at_200`.

It knows words. It does not know whether runs are comparable.
"""

from __future__ import annotations

import re
from functools import cache

_WORDS = {
    "device": """cpu mps metal=mps cuda xpu tpu rocm npu gpu ascend=npu a100=cuda h100=cuda v100=cuda t4=cuda a10=cuda
        a10g=cuda l4=cuda 3090=cuda 4090=cuda m1=mps m2=mps m3=mps m4=mps""",
    "kernel": """fused unfused liger torch compiled compile=compiled inductor=compiled eager sdpa flash fa2=flash
        fa3=flash flashattn=flash xformers triton cudnn math nocompile=eager noliger=torch cce=fused apex flex
        noflash=eager native=torch""",
    "packing": """packed packing=packed pack=packed paddingfree=packed varlen=packed unpacked nopacking=unpacked
        nopack=unpacked padded=unpacked""",
    "precision": """fp16=float16 float16 half=float16 bf16=bfloat16 bfloat16 fp32=float32 float32 tf32 amp=mixed mixed
        fp8""",
    "resume": """resume=resumed resumed continued=resumed restart=resumed restarted=resumed uninterrupted
        straight=uninterrupted oneshot=uninterrupted continuous=uninterrupted""",
    "reload": "reload=reloaded reloaded loaded=reloaded restored=reloaded save=saved saved memory=saved live=saved",
    "release": "upgrade upgraded=after downgrade=before downgraded=before nightly",
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
_LENGTH = r"(?:seq|len|length|ctx|block|sl)[ _=-]?(\d{2,7})"


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
    joined = re.sub(r"no[_-]?(?=pack|compile|liger|flash)", "no", lowered)
    words = words | words_of(joined)
    found: dict[str, str] = {}
    for factor, lexicon in _lexicons().items():
        said = [lexicon[word] for word in sorted(words) if word in lexicon]
        negated = [value for value in said if value in {"unpacked", "unfused", "eager", "uninterrupted"}]
        if said:
            found[factor] = (negated or said)[0]
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
    return found
