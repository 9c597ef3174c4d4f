"""Generated samples written as plain text: which lines are prompts, which are outputs, where a sample ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_PROMPTS = "prompt|instruction|input|question|user|human|query|context|q|system prompt"
_OUTPUTS = "output|generated text|generated|generation|response|completion|answer|assistant|model|model output|bot"
_OUTPUTS += "|prediction|a"
_REFERENCES = "reference|expected|expected output|target|ground truth|label|gold|truth"
_LEAD = r"^\s*(?:#{1,4}\s*|\*\*|\[)?(?:\d+[.)]\s*)?"
_ROLE = re.compile(
    rf"{_LEAD}(?:(?P<prompt>{_PROMPTS})|(?P<output>{_OUTPUTS})|(?P<reference>{_REFERENCES}))\s*(?:\d+)?(?:\]|\*\*)?\s*:(?:\*\*)?\s*(?P<text>.*)$",
    re.I,
)
_ANSWER_INSIDE = re.compile(r"\s*#{2,4} ?(?:Assistant|Response|Output|Answer|Bot)\s*:\s?|<\|assistant\|>\s?", re.I)
_ARROWS = re.compile(r"^\s*(?:>>>|=>|->)\s?(?P<text>.*)$")
_RULE = re.compile(r"^\s*(?:-{3,}|={3,}|\*{3,}|#{3,}|_{3,})\s*$")
_STEP = re.compile(r"^\W*(?:samples? (?:at|after) )?(?:step|iter(?:ation)?)\s*[:=#]?\s*(\d[\d,]*)\W*$", re.I)
_STOPPED = re.compile(
    r"^\s*[(\[<]?\s*(?:stopped|truncated|cut off|ended|hit)\b.*?max_new_tokens\s*[=:]\s*(\d+).*$", re.I
)
_LABELLED = re.compile(r"^\s*([A-Za-z][\w ./()-]{0,40}?)\s*:\s(.*)$")
_EMPTY = {"''", '""', "(empty)", "<empty>", "[empty]", "(nothing)", "``", "(no output)", "<no output>", "“”"}


@dataclass(slots=True)
class SampleText:
    """One sample.

    Attributes:
        line: Line where it begins.
        output: The produced text.
        prompt: What it answers.
        reference: What was expected.
        label: What distinguishes it.
        step: Step, when a heading says so.
        new_tokens: Number of tokens after which generation was stopped, when a line says so.
    """

    line: int
    output: str = ""
    prompt: str | None = None
    reference: str | None = None
    label: str = ""
    step: int | None = None
    new_tokens: int | None = None


@dataclass(slots=True)
class _Open:
    """A sample whose end has not been reached: its parts as lines."""

    line: int
    step: int | None
    parts: dict[str, list[str]] = field(default_factory=dict)
    at: str = ""

    def begin(self, part: str, text: str) -> None:
        self.at = part
        self.parts.setdefault(part, []).append(text)


def has_roles(lines: Sequence[str]) -> bool:
    """Whether some line says that a prompt or an output begins."""
    return any(_ROLE.match(line) for line in lines)


def samples(lines: Sequence[str]) -> list[SampleText]:
    """The samples in the lines of a text, in the first of these forms that fits.

    Roles (`Prompt:` and `Output:`, `user:` and `assistant:`), prompts behind `>>>`, labels (`memory: ...` and
    `reload: ...`), parts between rules of dashes, and paragraphs.
    """
    roles = [found for line in lines if (found := _ROLE.match(line))]
    if any(found["prompt"] or found["output"] for found in roles):
        return _by_role(lines)
    if any(_ARROWS.match(line) for line in lines):
        return list(_by_arrows(lines))
    if labelled := _by_label(lines):
        return labelled
    return list(_by_blocks(lines, rules=any(_RULE.match(line) for line in lines)))


class _Roles:
    """Follows the roles of a text; only its own first word for a prompt begins a sample.

    So a role that the model leaked (`### Instruction:` below `Output:`) stays in the output that holds it.
    """

    def __init__(self) -> None:
        self.samples: list[SampleText] = []
        self._prompt_word = ""
        self._output_word = ""
        self._step: int | None = None
        self._current: _Open | None = None

    def take(self, number: int, line: str) -> None:
        """Follow one line."""
        if heading := _STEP.match(line):
            self._step = int(heading[1].replace(",", ""))
        elif (found := _ROLE.match(line)) is not None and self._begins_part(found, number):
            return
        elif _RULE.match(line):
            if self._current is not None:
                self._current.at = ""
        elif self._current is not None and self._current.at:
            self._current.parts[self._current.at].append(line)

    def close(self) -> None:
        """End the sample that is open."""
        if self._current is not None:
            self.samples.append(_closed(self._current))
        self._current = None

    def _begins_part(self, found: re.Match[str], number: int) -> bool:
        """Whether a line with a role begins a part of a sample: only the file's own words for roles do."""
        prompt, output = (found["prompt"] or "").lower(), (found["output"] or "").lower()
        if prompt and self._prompt_word in {"", prompt}:
            self.close()
            self._prompt_word, self._current = prompt, _Open(number, self._step)
            self._current.begin("prompt", found["text"])
            return True
        if output and self._output_word in {"", output}:
            if self._current is None or (not self._prompt_word and "output" in self._current.parts):
                self.close()
                self._current = _Open(number, self._step)
            self._output_word = output
            self._current.begin("output", found["text"])
            return True
        if found["reference"] and self._current is not None:
            self._current.begin("reference", found["text"])
            return True
        return False


def _by_role(lines: Sequence[str]) -> list[SampleText]:
    """Samples by role."""
    roles = _Roles()
    for number, line in enumerate(lines, start=1):
        roles.take(number, line)
    roles.close()
    return roles.samples


def _by_arrows(lines: Sequence[str]) -> Iterator[SampleText]:
    """Samples whose prompt stands behind `>>>`, with the output below."""
    current: _Open | None = None
    for number, line in enumerate(lines, start=1):
        if found := _ARROWS.match(line):
            if current is not None:
                yield _closed(current)
            current = _Open(number, None)
            current.begin("prompt", found["text"])
        elif current is not None:
            current.parts.setdefault("output", []).append(line)
    if current is not None:
        yield _closed(current)


def _closed(current: _Open) -> SampleText:
    """The finished sample; below a prompt without any output marker, the lines after the first are the output."""
    prompt = current.parts.get("prompt")
    output = current.parts.get("output")
    if output is None and prompt is not None and (found := _ANSWER_INSIDE.search(prompt[0])):
        prompt, output = [prompt[0][: found.start()]], [prompt[0][found.end() :], *prompt[1:]]
    if output is None and prompt is not None:
        prompt, output = prompt[:1], prompt[1:]
    text, new_tokens = _without_note(output or [])
    reference = current.parts.get("reference")
    return SampleText(
        current.line,
        text,
        None if prompt is None else "\n".join(prompt).strip(),
        None if reference is None else "\n".join(reference).strip(),
        step=current.step,
        new_tokens=new_tokens,
    )


def _without_note(lines: list[str]) -> tuple[str, int | None]:
    """The text without a closing note such as `(stopped by max_new_tokens=200)`, and the number in that note."""
    new_tokens = None
    kept = []
    for line in lines:
        if found := _STOPPED.match(line):
            new_tokens = int(found[1])
        else:
            kept.append(line)
    text = "\n".join(kept).strip("\n").rstrip()
    return ("" if text.strip() in _EMPTY else text), new_tokens


def _by_label(lines: Sequence[str]) -> list[SampleText]:
    """Lines that all have the form `label: text`, with several labels; else nothing."""
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    found = [(number, _LABELLED.match(line)) for number, line in filled]
    if len(found) < 2 or any(match is None for _, match in found) or len(found) > 200:
        return []
    out = [SampleText(number, match[2].strip(), label=match[1].strip()) for number, match in found if match is not None]
    return out if len({sample.label for sample in out}) > 1 else []


def _by_blocks(lines: Sequence[str], *, rules: bool) -> Iterator[SampleText]:
    """Parts between rules of dashes, or paragraphs."""
    block: list[str] = []
    first, step = 1, None
    for number, line in enumerate([*lines, ""], start=1):
        heading = _STEP.match(line)
        ends = bool(heading) or number > len(lines) or (bool(_RULE.match(line)) if rules else not line.strip())
        if not ends:
            if not block:
                first = number
            block.append(line)
            continue
        text, new_tokens = _without_note(block)
        if text.strip():
            yield SampleText(first, text, step=step, new_tokens=new_tokens)
        block = []
        if heading:
            step = int(heading[1].replace(",", ""))
