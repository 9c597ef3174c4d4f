"""What the recorded outputs of a model look like: empty, looping, garbled, running on, speaking for others.

Each output is measured by itself; outputs to one prompt under different labels (batch sizes, exports) are compared in
pairs. It counts and measures; how bad something is, the findings say. It knows no tokenizer: token counts are those
that were recorded.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from trainclinic.record.parts import Generation
    from trainclinic.signals.measured import Measured
    from trainclinic.signals.text_decoding import Misdecoding
    from trainclinic.signals.text_garbling import Garbling
    from trainclinic.signals.text_repetition import Loop

MAX_OUTPUTS = 200
"""Outputs measured; more say nothing new, and each costs about a millisecond."""

MAX_PAIRS = 50
SHARED_LIMIT = 16
"""Tokens: outputs that end at one common length of at least this many were ended by a limit."""

REPEATED_SHARE = 0.4
"""Share of repeated word 3-grams; 99 of 100 pieces of prose and code stay below 0.36 (`text_repetition`)."""

STUTTERED, STUTTERED_SHARE = 4, 0.25
"""Words that repeat the word before them: at least this many, and this share of all words."""

LIMIT_SETTINGS = ("max_new_tokens", "max_tokens", "max_completion_length", "n_predict", "max_gen_len")
STAGES: dict[int, tuple[str, ...]] = {
    3: (
        "gguf",
        "ggml",
        "llama.cpp",
        "llamacpp",
        "ollama",
        "vllm",
        "onnx",
        "tgi",
        "sglang",
        "tensorrt",
        "mlx",
        "exported",
    ),
    2: ("reload", "reloaded", "loaded", "converted", "export", "quantized", "quantised", "awq", "gptq"),
    1: ("merged", "merge"),
    0: ("adapter", "memory", "transformers", "hf", "huggingface", "peft", "before", "unmerged", "trained", "live"),
}
"""Words of a label that say how far from the trained weights an output was made, the farthest first."""


@dataclass(frozen=True, slots=True)
class OutputShape:
    """One output, measured.

    Attributes:
        row: Index into `RunRecord.generations`.
        blank: Whether it has no visible character.
        at_limit: Whether a token limit ended it; `None` when nothing says.
        limit_reason: Why, in words.
        loop: Repetition up to its end.
        repeated: Share of repeated word 3-grams, and the most frequent one.
        stuttered: Words that repeat the word before them, and all words.
        garbling: Why it is no text.
        misdecoded: Characters that were read with the wrong character set.
        turn: Marker of another speaker's turn inside it, and its position.
        reserved: First token that stands for no text, and how many.
    """

    row: int
    blank: bool
    at_limit: bool | None
    limit_reason: str
    loop: Loop | None
    repeated: tuple[float, str]
    stuttered: tuple[int, int]
    garbling: Garbling | None
    misdecoded: Misdecoding | None
    turn: tuple[str, int] | None
    reserved: tuple[str, int] | None

    @property
    def repeats(self) -> bool:
        """Whether it loops, repeats its phrases or stutters."""
        twice, words = self.stuttered
        stutters = twice >= STUTTERED and twice >= STUTTERED_SHARE * words
        return self.loop is not None or self.repeated[0] >= REPEATED_SHARE or stutters

    @property
    def degenerate(self) -> bool:
        """Whether no reader could take it for an answer."""
        junk = self.garbling is not None or self.misdecoded is not None
        return self.blank or junk or self.loop is not None or self.reserved is not None


@dataclass(frozen=True, slots=True)
class OutputPair:
    """Two outputs to the same prompt that differ in what the label says.

    Attributes:
        kind: `batch` or `export`.
        left: Row of the reference: the smallest batch, or the model before export.
        right: Row of the other.
        similarity: Share of words in common order, 0-1; 1 when equal up to white space.
    """

    kind: Literal["batch", "export"]
    left: int
    right: int
    similarity: float


@dataclass(frozen=True, slots=True)
class GeneratedTexts:
    """All recorded outputs.

    Attributes:
        shapes: Measured outputs, at most `MAX_OUTPUTS`, evenly chosen.
        total: Number of recorded outputs.
        limit: Token limit, stated or shared by outputs; `None` when unknown.
        instructed: Whether the prompts ask for an answer (`True`) or a text to continue (`False`); `None` unknown.
        pairs: Outputs that should be equal.
    """

    shapes: tuple[OutputShape, ...]
    total: int
    limit: int | None
    instructed: bool | None
    pairs: tuple[OutputPair, ...]


def generated_texts_of(run: Measured) -> GeneratedTexts | None:
    """Measure the outputs, or `None` when none were recorded."""
    outputs = run.record.generations
    if not outputs:
        return None
    rows = _latest(outputs)
    chosen = rows[:: -(-len(rows) // MAX_OUTPUTS)]
    limit = _limit(run, outputs)
    shapes = tuple(_shape(row, outputs[row], limit) for row in chosen)
    return GeneratedTexts(shapes, len(rows), limit, _instructed(run, outputs), tuple(_pairs(outputs))[:MAX_PAIRS])


def _latest(outputs: Sequence[Generation]) -> list[int]:
    """Which outputs are judged: where all carry a step, those of the last; a model that still learns writes badly."""
    steps = [one.step for one in outputs if one.step is not None]
    is_dated = len(steps) == len(outputs)
    return [row for row, one in enumerate(outputs) if not is_dated or one.step == max(steps)]


def _shape(row: int, one: Generation, limit: int | None) -> OutputShape:
    from trainclinic.signals.text_decoding import misdecoding_of
    from trainclinic.signals.text_garbling import garbling_of
    from trainclinic.signals.text_markers import other_turns, reserved_tokens, without_end
    from trainclinic.signals.text_repetition import find_loop, repeated_grams, stuttered_words

    body = without_end(one.output)
    loop = find_loop(body)
    at_limit, reason = _at_limit(one, limit, loop)
    return OutputShape(
        row=row,
        blank=not one.output.strip(),
        at_limit=at_limit,
        limit_reason=reason,
        loop=loop,
        repeated=repeated_grams(body),
        stuttered=stuttered_words(body),
        garbling=garbling_of(body),
        misdecoded=misdecoding_of(body),
        turn=other_turns(one.output, one.prompt),
        reserved=reserved_tokens(one.output),
    )


def _at_limit(one: Generation, limit: int | None, loop: Loop | None) -> tuple[bool | None, str]:
    from trainclinic.signals.text_markers import without_end

    if one.stopped is not None:
        return not one.stopped, "it is recorded that it did not stop" if not one.stopped else ""
    if without_end(one.output) != one.output:
        return False, ""
    if one.new_tokens is not None and limit is not None:
        return one.new_tokens >= limit, f"it has {one.new_tokens} tokens, the limit" if one.new_tokens >= limit else ""
    if loop is not None and loop.cut:
        return True, "it breaks off inside a repeated phrase"
    return None, ""


def _limit(run: Measured, outputs: Sequence[Generation]) -> int | None:
    for fact in run.record.other_facts:
        if fact.name.lower().rpartition(".")[2] in LIMIT_SETTINGS and str(fact.value).replace(".0", "").isdigit():
            return int(float(fact.value))
    counts = Counter(one.new_tokens for one in outputs if one.new_tokens)
    if not counts:
        return None
    longest = max(counts)
    return longest if longest >= SHARED_LIMIT and counts[longest] >= 2 else None


def _instructed(run: Measured, outputs: Sequence[Generation]) -> bool | None:
    facts = run.record.facts
    objective = (facts.text("objective") or "").lower()
    if any(word in objective for word in ("sft", "dpo", "grpo", "kto", "orpo", "ppo", "instruct", "chat")):
        return True
    if any(one.reference for one in outputs) or facts.text("chat_template"):
        return True
    prompts = [one.prompt for one in outputs if one.prompt]
    marked = re.compile(
        r"###|<\|(?!begin_of_text|endoftext)|\[INST\]|<start_of_turn>|(?:^|\n)(?:user|human|question)\s*:|\?\s*$", re.I
    )
    if any(marked.search(prompt.strip()) for prompt in prompts):
        return True
    return False if run.objective.started_from == "scratch" or "pretrain" in objective else None


def _pairs(outputs: Sequence[Generation]) -> list[OutputPair]:
    by_prompt: dict[str, list[int]] = defaultdict(list)
    for row, one in enumerate(outputs):
        if one.label:
            by_prompt[one.prompt or ""].append(row)
    found: list[OutputPair] = []
    for rows in by_prompt.values():
        found += _batch_pairs(outputs, rows) or _export_pairs(outputs, rows)
        if len(found) >= MAX_PAIRS:
            break
    return found


def _batch_pairs(outputs: Sequence[Generation], rows: list[int]) -> list[OutputPair]:
    sized = sorted((size, row) for row in rows if (size := batch_of(outputs[row].label)) is not None)
    if not sized or sized[0][0] == sized[-1][0] or outputs[sized[0][1]].prompt is None:
        return []
    smallest, base = sized[0]
    others = [row for size, row in sized if size != smallest]
    return [_pair("batch", outputs, base, row) for row in others[:MAX_PAIRS]]


def _export_pairs(outputs: Sequence[Generation], rows: list[int]) -> list[OutputPair]:
    staged = [(stage, row) for row in rows if (stage := stage_of(outputs[row].label)) is not None]
    if not staged:
        return []
    first, base = min(staged)
    later = [row for stage, row in staged if stage > first]
    return [_pair("export", outputs, base, row) for row in later[:MAX_PAIRS]]


def _pair(kind: Literal["batch", "export"], outputs: Sequence[Generation], left: int, right: int) -> OutputPair:
    one, other = (re.findall(r"\w+|[^\w\s]", outputs[row].output)[:300] for row in (left, right))
    import difflib

    ratio = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() if one or other else 1.0
    return OutputPair(kind, left, right, ratio)


def excerpt(text: str, longest: int = 60) -> str:
    """The beginning of a text on one line, for a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def padding_of(label: str) -> int | None:
    """Number of padding tokens in a label such as `left_pads 12`, else `None`."""
    found = re.search(r"\b(?:left[ _-]?)?pad(?:s|ding|_tokens|ded)?\W*(\d+)", label.lower())
    return int(found[1]) if found else None


def batch_of(label: str) -> int | None:
    """The batch size in a label such as `batch 8` or `bs=1`, else `None`."""
    found = re.search(r"(?:\bbatch(?:[ _-]?size)?|\bbs)\W*(\d+)", label.lower())
    return int(found[1]) if found else None


def stage_of(label: str) -> int | None:
    """How far from the trained weights a label lies: 0 live, 1 merged, 2 reloaded or converted, 3 in another runtime.

    `None` for labels that name none of these (another model, a base model, a prompt variant).
    """
    words = re.findall(r"[a-z]+(?:\.[a-z]+)?", label.lower())
    return next((stage for stage, names in STAGES.items() if any(word in names for word in words)), None)
