"""The `Modelfile` that makes Ollama speak to a model as it was trained: template and stop tokens.

The tokenizer's own chat template is rendered with probe messages, and the text is compared with the families that can
be written in Ollama's language. A template that fits none is shown as an example, and no other is put in its place. It
does not know weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainclinic.training.chat_families import Family, families, filled

NAME = "Modelfile"
_SYSTEM, _PROMPT, _RESPONSE = "Sys7probe.", "Ask7probe?", "Say7probe."
_LATER_PROMPT, _LATER_RESPONSE = "Ask8probe?", "Say8probe."


@dataclass(frozen=True, slots=True)
class Spoken:
    """How a tokenizer writes a conversation, in Ollama's words.

    Attributes:
        family: Name of the family, `none` for a tokenizer without template, `unknown` for one that fits no family.
        template: `TEMPLATE` of the Modelfile; empty when unknown.
        system: The system message that the template writes by itself; empty when there is none.
        takes_system: Whether the template has a place for a system message.
        repeats: Whether a conversation of several turns is the same text as its turns one after the other.
        example: The template rendered with a question, for those who write a `TEMPLATE` themselves.
    """

    family: str
    template: str
    system: str = ""
    takes_system: bool = True
    repeats: bool = True
    example: str = ""


def spoken_of(tokenizer: Any) -> Spoken:
    """Which family the chat template of a tokenizer belongs to.

    Args:
        tokenizer: One of transformers.
    """
    if not getattr(tokenizer, "chat_template", None):
        return Spoken("none", "{{ .Prompt }}", takes_system=False)
    example = _rendered(tokenizer, [("user", _PROMPT)], opens=True)
    if example is None:
        return Spoken("unknown", "", takes_system=False)
    for family in families():
        if found := _fitted(tokenizer, family, example):
            return found
    return Spoken("unknown", "", example=example)


def end_tokens(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """The texts that end a response, each once.

    Args:
        tokenizer: One of transformers.
        ids: End ids of the model.
    """
    named = [tokenizer.convert_ids_to_tokens(int(one)) for one in ids]
    return list(dict.fromkeys(name for name in named if name))


def closing_ids(tokenizer: Any) -> list[int]:
    """Ids of the special tokens that the chat template writes directly after a response: what ends a turn."""
    if not getattr(tokenizer, "chat_template", None):
        return []
    whole = _rendered(tokenizer, [("user", _PROMPT), ("assistant", _RESPONSE)], opens=False)
    if whole is None or _RESPONSE not in whole:
        return []
    ids = tokenizer(whole.rpartition(_RESPONSE)[2].lstrip(" "), add_special_tokens=False)["input_ids"]
    special = set(tokenizer.all_special_ids) | set(getattr(tokenizer, "added_tokens_decoder", {}))
    return [int(ids[0])] if ids and ids[0] in special else []


def modelfile_of(spoken: Spoken, stops: Sequence[str], source: str = ".") -> str:
    """The text of a Modelfile.

    Args:
        spoken: How the tokenizer writes a conversation.
        stops: Texts that end a response.
        source: GGUF file or folder of the weights, relative to the Modelfile.
    """
    lines = [f"FROM {source}", ""]
    if source == ".":
        lines.insert(0, "# After a conversion to GGUF this reads: FROM ./model.gguf")
    if spoken.family == "unknown":
        lines += _asks_for_template(spoken)
    else:
        lines += _notes(spoken)
        lines += [f'TEMPLATE """{spoken.template}"""']
    if spoken.system:
        lines += ["", f'SYSTEM """{spoken.system}"""']
    lines += ["", *(f'PARAMETER stop "{_escaped(stop)}"' for stop in stops)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _asks_for_template(spoken: Spoken) -> list[str]:
    lines = ["# The chat template of this tokenizer is none that could be recognised, so no TEMPLATE is written here."]
    if not spoken.example:
        return [*lines, "# It could not be rendered with a single question either."]
    return [
        *lines,
        "# Write one that gives the text below for a question, with {{ .Prompt }} in its place and {{ .Response }} at",
        '# the end:  TEMPLATE """..."""',
        "#",
        *(f"#   {line}" for line in spoken.example.replace(_PROMPT, "<the question>").split("\n")),
    ]


def _notes(spoken: Spoken) -> list[str]:
    if spoken.family == "none":
        return ["# The tokenizer has no chat template: the prompt is passed on as it stands."]
    lines = [f"# The tokenizer's chat template is of the family {spoken.family}."]
    if not spoken.takes_system:
        lines.append("# It has no place for a system message: SYSTEM has no effect.")
    if not spoken.repeats:
        lines.append(
            "# A conversation of several turns differs from it between the turns (a begin token, for instance)."
        )
    return lines


def _escaped(stop: str) -> str:
    return stop.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _fitted(tokenizer: Any, family: Family, opened: str) -> Spoken | None:
    """The family in the tokenizer's words when every probe comes out equal, else `None`."""
    eos = tokenizer.eos_token or ""
    with_system = _rendered(tokenizer, [("system", _SYSTEM), ("user", _PROMPT)], opens=True)
    takes_system = with_system is not None and _SYSTEM in with_system
    template = family.template(eos, takes_system=takes_system)
    head = template.partition("{{ .Response }}")[0]
    if takes_system and filled(head, {"System": _SYSTEM, "Prompt": _PROMPT}) != with_system:
        return None
    system = _own_system(head, opened)
    if system is None:
        return None
    own = {"System": system} if system else {}
    if not _closes_alike(tokenizer, template, own):
        return None
    return Spoken(family.name, template, system, takes_system, _repeats(tokenizer, template, own), opened)


def _own_system(head: str, opened: str) -> str | None:
    """The system message that the tokenizer writes when there is none: often empty, `None` when nothing fits."""
    if filled(head, {"Prompt": _PROMPT}) == opened:
        return ""
    before, found, after = filled(head, {"System": _SYSTEM, "Prompt": _PROMPT}).partition(_SYSTEM)
    fits = found and opened.startswith(before) and opened.endswith(after) and len(opened) > len(before) + len(after)
    return opened[len(before) : len(opened) - len(after)] if fits else None


def _closes_alike(tokenizer: Any, template: str, own: dict[str, str]) -> bool:
    whole = _rendered(tokenizer, [("user", _PROMPT), ("assistant", _RESPONSE)], opens=False)
    eos = tokenizer.eos_token or ""
    # A template may end a whole conversation with the end token, and a model of SentencePiece writes the blank itself.
    wanted = [filled(template, {**own, "Prompt": _PROMPT, "Response": blank + _RESPONSE}) for blank in ("", " ")]
    return whole is not None and any(whole in (text, text + eos) for text in wanted)


def _repeats(tokenizer: Any, template: str, own: dict[str, str]) -> bool:
    first, second = ("user", _PROMPT), ("assistant", _RESPONSE)
    turns = [first, second, ("user", _LATER_PROMPT), ("assistant", _LATER_RESPONSE)]
    whole = _rendered(tokenizer, turns, opens=False)
    eos = tokenizer.eos_token or ""
    for blank in ("", " "):
        text = filled(template, {**own, "Prompt": _PROMPT, "Response": blank + _RESPONSE})
        text += filled(template, {"Prompt": _LATER_PROMPT, "Response": blank + _LATER_RESPONSE})
        if whole in (text, text + eos):
            return True
    return False


def _rendered(tokenizer: Any, turns: Sequence[tuple[str, str]], *, opens: bool) -> str | None:
    """A conversation as the template writes it, without the begin token that a runtime adds; `None` when it refuses."""
    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        text = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=opens, date_string="26 Jul 2024"
        )
    except Exception:  # whatever a template does with a message that it does not want
        return None
    return str(text).removeprefix(tokenizer.bos_token or "")
