"""Check and convert values of a recipe, wherever they come from."""

from __future__ import annotations

import math
from difflib import get_close_matches

from trainclinic.recipe.keys import Key, Value, all_keys
from trainclinic.record.errors import TrainclinicError

UNKNOWN = "unknown"
"""How a recipe writes a value that nobody told."""


class RecipeError(TrainclinicError):
    """A recipe that does not hold together."""


def checked(key: Key, raw: object, where: str) -> Value | None:
    """A raw value as the kind that a key holds; `None` for `unknown`.

    Args:
        key: The key.
        raw: What a file or a program gives.
        where: The place, for the message.

    Raises:
        RecipeError: If the key cannot hold it.
    """
    if raw is None or raw == UNKNOWN:
        return None
    value = _converted(key, raw)
    if value is None or not _fits(key, value):
        message = f"`{key.name}` is `{raw}` in {where}, expected {expectation(key)}"
        raise RecipeError(message, hint=_hint(key, raw))
    return value


def unknown_key(name: str, where: str) -> RecipeError:
    """The error for a key that no recipe has.

    Args:
        name: The dotted name that was found.
        where: The place, for the message.
    """
    last = name.rpartition(".")[2]
    names = [known for known in all_keys() if known.rpartition(".")[2] == last]
    names += get_close_matches(name, all_keys(), n=2, cutoff=0.5)
    hint = " or ".join(f"`{one}`" for one in dict.fromkeys(names[:2]))
    known = f"did you mean {hint}?" if hint else "the reference page of recipes lists every key"
    return RecipeError(f"`{name}` in {where} is no key of a recipe", hint=known)


def expectation(key: Key) -> str:
    """What a key may hold, in words."""
    if key.choices:
        return "one of " + ", ".join(f"`{choice}`" for choice in key.choices)
    words = {
        "text": "text",
        "integer": "a whole number",
        "number": "a number",
        "flag": "`true` or `false`",
        "texts": "a list of texts",
        "numbers": "a list of numbers",
    }
    limits = [
        f"above {key.above:g}" if key.above is not None else "",
        f"of at least {key.at_least:g}" if key.at_least is not None else "",
        f"of at most {key.at_most:g}" if key.at_most is not None else "",
    ]
    return " ".join([words[key.kind], " and ".join(limit for limit in limits if limit)]).strip()


def _converted(key: Key, raw: object) -> Value | None:
    if key.kind == "flag":
        return raw if isinstance(raw, bool) else None
    if key.kind == "text":
        return raw if isinstance(raw, str) else None
    if key.kind == "texts":
        fits = isinstance(raw, (list, tuple)) and all(isinstance(one, str) for one in raw)
        return tuple(raw) if fits else None  # type: ignore[arg-type]
    if key.kind == "numbers":
        if not isinstance(raw, (list, tuple)):
            return None
        found = [_number(one) for one in raw]
        return None if None in found else tuple(float(one) for one in found if one is not None)
    number = _number(raw)
    if number is None or key.kind == "number":
        return number
    return int(number) if number == int(number) else None


def _number(raw: object) -> float | None:
    """A finite number; YAML reads `2e-5` as text, so text that is one counts."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, (int, float)):
        return float(raw) if math.isfinite(raw) else None
    try:
        found = float(str(raw)) if isinstance(raw, str) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _fits(key: Key, value: Value) -> bool:
    if key.choices:
        return value in key.choices
    if isinstance(value, (bool, str, tuple)):
        return True
    return not (
        (key.at_least is not None and value < key.at_least)
        or (key.at_most is not None and value > key.at_most)
        or (key.above is not None and value <= key.above)
    )


def _hint(key: Key, raw: object) -> str:
    close = get_close_matches(str(raw), key.choices, n=1, cutoff=0.4)
    return f"did you mean `{close[0]}`?" if close else f"it says: {key.meaning}"
