"""Which text of a row counts when rows are compared with each other.

Everything that makes two rows different things to learn is in it: rejected answers, labels of liking, tool calls and
ids of rows that were tokenised before. It does not compare.
"""

from __future__ import annotations

from trainclinic.corpus.sample import Message, Sample

MEDIA = frozenset(("image", "images", "image_path", "audio", "audios", "audio_path", "video", "videos", "video_path"))
"""Fields that name what a prompt is about beside its text."""
SHORT_ANSWER = 20
"""Characters of an answer that many prompts share: a label, a name, a number."""


def whole_text(sample: Sample) -> str:
    """All that a row says, in one text: equal for rows that teach the same."""
    if sample.ids:
        return " ".join(map(str, sample.ids + sample.labels))
    if not (sample.rejected or sample.is_liked is not None or _has_more(sample)):
        return sample.whole
    sides = [sample.text, *map(_said, sample.messages), *map(_said, sample.rejected), sample.tools, *_media(sample)]
    liked = "" if sample.is_liked is None else str(sample.is_liked)
    return "\n".join(filter(None, (*sides, liked)))


def prompt_text(sample: Sample) -> str:
    """What the last answer answers: earlier turns, and the tools that may be called."""
    if not _has_more(sample):
        return sample.prompt
    last = max((at for at, one in enumerate(sample.messages) if one.is_answer), default=len(sample.messages))
    return "\n".join((sample.tools, *_media(sample), *map(_said, sample.messages[:last])))


def answer_text(sample: Sample) -> str:
    """The last answer with its thoughts and tool calls; empty when there is none."""
    return next((_said(message) for message in reversed(sample.messages) if message.is_answer), "")


def own_text(sample: Sample) -> str:
    """The text by which rows are like each other: without system prompts, which many rows share."""
    if not sample.messages:
        return whole_text(sample)
    turns = [*sample.messages, *sample.rejected[-1:]]
    return "\n".join(_said(message) for message in turns if message.role != "system")


def target_text(sample: Sample) -> str:
    """What is learned from a row: its answers, or its plain text."""
    return "\n".join(sample.answers) if sample.messages else sample.text


def learned_text(sample: Sample) -> str:
    """What a row teaches: its answers with thoughts and calls, or its text; before a short answer stands its question.

    The question is the last line of what was asked: the passage before it may be that of other rows.
    """
    if not sample.messages:
        return whole_text(sample)
    said = "\n".join(_said(message) for message in sample.messages if message.is_answer)
    return said if len(said) > SHORT_ANSWER else f"{sample.prompt.rstrip().rpartition(chr(10))[2]}\n{said}"


def rejected_text(sample: Sample) -> str:
    """The rejected answer of a pair; empty for other rows."""
    return "\n".join(_said(message) for message in sample.rejected if message.is_answer)


def media_text(sample: Sample) -> str:
    """The pictures and sounds of a row as one word, which is like another only when they are the same; may be empty."""
    return "\n".join(_media(sample)).encode("utf-8", "surrogatepass").hex()


def _has_more(sample: Sample) -> bool:
    if sample.tools or (sample.others and _media(sample)):
        return True
    return any(message.calls or message.reasoning for message in sample.messages)


def _media(sample: Sample) -> list[str]:
    return [value for name, value in sample.others if name in MEDIA]


def _said(message: Message) -> str:
    if not (message.calls or message.reasoning):
        return message.content
    return "\n".join(filter(None, (message.reasoning, message.content, message.calls)))
