# ruff: noqa: E501 (expressions are easier to read on one line)
"""Which tokens are targets: previews of labels by role or by token, and counts of targets per row.

It knows what is ignored (-100, mask 0). It does not know what ought to be ignored: that a prompt carries no target is
as it should be, so only lines of an assistant and whole rows are spoken of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainclinic.readers.checks.line import NUMBER, Claim, Line, number_of, pairs, pattern, shortened

_ANSWER = r"^\W{0,4}(?:assistant|answer|response|completion|output|gpt|bot|model|chosen|target text)\b"
_IGNORED = (
    r"\ball -100|\bonly -100|[(\[]\s*-100(?:\s*,\s*-100)*\s*[)\]]|\(ignored\)|\(masked\)|\bnot trained|\bno loss\b"
    r"|\btrained 0(?: of| ?/)|\bfully (?:ignored|masked)|\blabels?\s*[:=]\s*-100|\bloss[ _]mask\s*[:=]\s*0\b"
)
_TRAINED = (
    r"\((?:trained|in loss|target|kept)\b(?! 0)|\btrained [1-9]\d*(?: of| ?/)|\b(?:is|are) (?:trained|targets?)\b"
    r"|\bloss[ _]mask\s*[:=]\s*1\b"
)
_COUNTS = {
    "n_labels", "labels", "n_targets", "targets", "target_tokens", "n_target_tokens", "num_target_tokens", "label_tokens",
    "n_label_tokens", "num_label_tokens", "trained", "trained_tokens", "n_trained", "loss_tokens", "num_loss_tokens",
    "mask_sum", "loss_mask_sum", "label_mask_sum", "supervised", "supervised_tokens", "unmasked", "unmasked_tokens",
    "non_ignored", "not_ignored", "valid_labels", "valid_targets", "trainable_tokens", "n_trainable_tokens",
    "assistant_tokens", "assistant_mask_sum", "assistant_masks", "completion_tokens_in_loss", "num_valid_labels",
}  # fmt: skip
_ROW_COUNT = (
    rf"(?:rows?|samples?|examples?|sequences?|batch(?:es)?)\b.{{0,30}}?\b(?:with(?:out| no| 0| zero)?|fully|all)\b.{{0,24}}?"
    rf"(?:labels?|targets?|masked|-100|ignored|trained tokens?)(?: (?:at|for|with) [\w ]{{0,40}}?)?\W{{1,4}}(?P<count>{NUMBER})"
)
_OF_ROWS = (
    rf"(?P<count>{NUMBER}) (?:of|/) ({NUMBER}) (?:rows?|samples?|examples?|sequences?)\b.{{0,30}}?(?:no|0|zero|without)"
    r"(?: single)? (?:labels?|targets?|trained)"
)
_LIST = r"\blabels?\b[^\[\n]{0,20}\[+((?:\s*-?\d+\s*,?)+)\]"
_DECODED_EMPTY = r"\bdecoded?\b.{0,20}?\b(?:labels?|targets?)\b[\s:=]{0,4}(?:''|\"\"|\[\]|<empty>|\(empty\)|empty)\s*$"
_TOKEN = r"\((-?\d+)\s*,\s*\d+(?:\s*,\s*\d+)?\)"
FEWEST_TOKENS = 4
"""Pairs of a label and a token id on a line before it is a preview and no sentence with numbers in brackets."""


def claims(lines: Sequence[Line]) -> Iterator[Claim]:
    """What the lines say about targets."""
    yield from _answers(lines)
    yield from _rows(lines)


def _answers(lines: Sequence[Line]) -> Iterator[Claim]:
    """Answers whose labels are ignored, and answers that are trained, counted."""
    ignored: list[tuple[Line, int]] = []
    trained: list[tuple[Line, int]] = []
    for line in lines:
        if pattern(_ANSWER).search(line.text) is None:
            continue
        if count := len(pattern(_IGNORED).findall(line.text)):
            ignored.append((line, count))
        if count := len(pattern(_TRAINED).findall(line.text)):
            trained.append((line, count))
    for kind, found in (("answers-ignored", ignored), ("answers-trained", trained)):
        if found:
            first = found[0][0]
            yield Claim(kind, shortened(first.text), first.number, float(sum(count for _, count in found)))


def _rows(lines: Sequence[Line]) -> Iterator[Claim]:
    """Rows without any target, and rows with some, counted; a line that gives a count of rows speaks for them all."""
    without: list[tuple[Line, float]] = []
    with_some: list[tuple[Line, float]] = []
    for line in lines:
        if pattern(_ANSWER).search(line.text):
            continue
        for targets, rows in _targets(line.text):
            (with_some if targets else without).append((line, rows))
    for kind, found in (("rows-without-labels", without), ("rows-with-labels", with_some)):
        if found:
            first = found[0][0]
            yield Claim(kind, shortened(first.text), first.number, float(sum(count for _, count in found)))


def _targets(text: str) -> Iterator[tuple[bool, float]]:
    """Whether rows that the line speaks of have targets, and how many rows."""
    told = pattern(_OF_ROWS).search(text) or pattern(_ROW_COUNT).search(text)
    if told is not None:
        count = number_of(told["count"])
        yield count == 0, max(count, 1.0)
        return
    if pattern(_DECODED_EMPTY).search(text):
        yield False, 1.0
        return
    if found := pattern(_LIST).search(text):
        if "..." not in text:
            yield any(label != "-100" for label in found[1].replace(",", " ").split()), 1.0
        return
    tokens = pattern(_TOKEN).findall(text)
    if len(tokens) >= FEWEST_TOKENS and "..." not in text:
        yield any(label != "-100" for label in tokens), 1.0
        return
    if found := pattern(r"\b(?:trained|targets?|labels?)\W{1,3}(\d+) (?:of|/) (\d+)\b").search(text):
        yield found[1] != "0", 1.0
        return
    if pattern(r"label|target|trained|mask|supervised|ignored|tokens").search(text) is None:
        return
    counts = [value for name, value in pairs(text) if name.rpartition(".")[2] in _COUNTS]
    if counts:
        yield counts[0] > 0, 1.0
