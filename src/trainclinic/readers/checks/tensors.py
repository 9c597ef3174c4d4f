# ruff: noqa: E501 (expressions are easier to read on one line)
"""Lists of tensors in reports: dtypes, missing gradients, what the optimizer holds, what a save left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.line import NUMBER, Claim, Line, number_of, pattern, shortened

_DTYPE = r"(?:torch\.)?(float16|fp16|half|bfloat16|bf16|float32|fp32)\b"
_SET = r"\{\s*['\"]?torch\.(float16|bfloat16|float32)['\"]?\s*\}"
_TRAINED_DTYPE = (
    r"\b(?:trainables?|requires_grad|trained|lora_\w+|adapter|optimizer)\b(?!.{0,30}\bfrozen\b).{0,80}?\b" + _DTYPE
)
_NOT_TRAINED = r"\b(?:torch_dtype|compute_dtype|bnb_\w+|base model|frozen|requires_grad\W{1,3}false|autocast)\b"
_GRADS = (
    rf"\bgrad(?:ient)?s?\b(?: (?:is|are))?\W{{0,4}}none\b[^\d\n]{{0,30}}({NUMBER})(?: ?(?:of|/) ?({NUMBER}))?"
    rf"|({NUMBER}) (?:of|/) ({NUMBER})\b.{{0,40}}\b(?:without|no|none)\b.{{0,10}}\bgrad"
)
_GRAD_NAMES = (
    r"\bgrad(?:ient)? (?:is )?none\b\W{1,4}([a-z]\w*\.[\w.]+)|^\s*([a-z]\w*\.[\w.]+)\W.{0,20}grad(?:\W{1,3}| is )none\b"
)
_OPTIMIZER = (
    rf"\boptimi[sz]er\b.{{0,60}}?({NUMBER}) (?:of|/) ({NUMBER})"
    r"|\boptimi[sz]er\b.{0,60}\b(?:ids?|params?|parameters?)\b.{0,40}(?:match\w*|same|in model)\b.{0,12}?[:=]\s*(true|false|yes|no)\b"
)
_TRAINED = r"^\W*(?:requires_grad|trainable|trained)(?: (?:tensors?|param\w*|keys?|names?))?\W*[:=]\s*(.+)$"
_SAVED = (
    r"^\W*(?:saved|checkpoint|adapter(?: file)?|state_?dict|in (?:the )?file|on disk)(?: (?:tensors?|param\w*|keys?|names?))?"
    r"\W*[:=]\s*(.+)$"
)
_LEFT_OUT = r"\b(?:not saved|missing (?:in|from) (?:the )?(?:save\w*|checkpoint|file|state_?dict)|trained but not saved)\W{1,3}(\S.+)$"
_COUNTED = rf"^({NUMBER})\b\s*(.*)$"


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What the lines say about tensors by name or number."""
    yield from _dtypes(lines)
    yield from _gradients(lines)
    yield from _saving(lines)
    for line in lines:
        if found := pattern(_OPTIMIZER).search(line.text):
            held = number_of(found[1]) if found[1] else float(found[3].lower() in {"true", "yes"})
            total = number_of(found[2]) if found[2] else 1.0
            if pattern(r"\b(?:states?|steps?|lr|groups?)\b").search(line.text) is None and held <= total:
                kind = "optimizer-holds-parameters" if held == total else "optimizer-misses-parameters"
                yield Claim(kind, shortened(line.text), line.number, total - held)


def _dtypes(lines: Sequence[Line]) -> Iterator[Claim]:
    """The first line that names each dtype of what is trained."""
    told: dict[str, Line] = {}
    for line in lines:
        if pattern(_NOT_TRAINED).search(line.text):
            continue
        found = pattern(_SET).search(line.text) or pattern(_TRAINED_DTYPE).search(line.text)
        if found is not None:
            word = found[1].lower()
            name = "bfloat16" if word.startswith("b") else "float32" if word.endswith("32") else "float16"
            told.setdefault(name, line)
    for name, line in told.items():
        yield Claim(f"trained-in-{name}", shortened(line.text), line.number)


def _gradients(lines: Sequence[Line]) -> Iterator[Claim]:
    """Parameters whose gradient is None, by number or by name."""
    named: list[Line] = []
    for line in lines:
        if found := pattern(_GRADS).search(line.text):
            count = number_of(found[1] or found[3])
            yield Claim("gradients-missing" if count else "gradients-there", shortened(line.text), line.number, count)
        elif pattern(_GRAD_NAMES).search(line.text):
            named.append(line)
    if named:
        yield Claim("gradients-missing", shortened(named[0].text), named[0].number, float(len(named)))


def _saving(lines: Sequence[Line]) -> Iterator[Claim]:
    """Tensors that were trained and are not in the saved file."""
    trained: tuple[Line, str] | None = None
    for line in lines:
        if found := pattern(_LEFT_OUT).search(line.text):
            names = [] if found[1].strip().lower() in {"none", "[]", "0", "nothing"} else found[1].split(",")
            kind = "trained-not-saved" if names else "trained-and-saved"
            yield Claim(kind, shortened(line.text), line.number, float(len(names)))
        elif found := pattern(_TRAINED).search(line.text):
            trained = line, found[1]
        elif trained is not None and (found := pattern(_SAVED).search(line.text)):
            missing = _missing(_items(trained[1]), _items(found[1]))
            says = shortened(f"{trained[0].text.strip()}; {line.text.strip()}")
            yield Claim("trained-not-saved" if missing else "trained-and-saved", says, line.number, missing)


def _items(listed: str) -> tuple[set[str], float]:
    """Names of a list, shortened to what both sides share, and how many more it counts without naming them."""
    names: set[str] = set()
    counted = 0.0
    for part in listed.strip(" []{}()").split(","):
        item = part.strip(" '\"")
        if found := pattern(_COUNTED).match(item):
            counted += number_of(found[1])
        elif item:
            names.add(
                pattern(r"^(?:base_model\.)?(?:model\.)*|\.modules_to_save\.default|\.default|\.weight$").sub("", item)
            )
    return names, counted


def _missing(trained: tuple[set[str], float], saved: tuple[set[str], float]) -> float:
    """How many tensors of the first list the second lacks."""
    if saved[0]:
        lacking = float(sum(not any(name in other or other in name for other in saved[0]) for name in trained[0]))
        return max(lacking, 0.0) + max(trained[1] - saved[1] - max(0, len(saved[0]) - len(trained[0])), 0.0)
    return max(len(trained[0]) + trained[1] - saved[1], 0.0)
