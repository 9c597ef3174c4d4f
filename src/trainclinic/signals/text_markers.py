"""Markers inside an output that belong outside it: other speakers' turns, and tokens that stand for no text.

It knows the literals of public chat templates and tokenizers. It looks at the output only; an end token at
the very end, with padding after it, is how an undecoded output ends and no marker.
"""

from __future__ import annotations

import re

_END = (
    r"(?:</s>|<\|endoftext\|>|<\|im_end\|>|<\|eot_id\|>|<\|end_of_text\|>|<\|end\|>|<end_of_turn>|<eos>|<\|eom_id\|>)"
)
_PAD = r"(?:<pad>|\[PAD\]|<\|pad\|>|<\|finetune_right_pad_id\|>|<\|endoftext\|>|<\|vision_pad\|>)"
_TAIL = re.compile(rf"(?:\s*{_END})(?:\s*(?:{_PAD}|{_END}))*\s*$")

_TURNS = (
    re.compile(r"^[ \t]*#{2,3} ?(?:Instruction|Human|User|Response|Assistant)s?[ \t]*(?::|$)", re.I | re.M),
    re.compile(r"<\|(?:im_start|start_header_id)\|>\s*(?:user|system|assistant|human)", re.I),
    re.compile(r"<\|(?:user|system|prompter|human)\|>|<start_of_turn>\s*\w+|\[/?INST\]|<<SYS>>", re.I),
    re.compile(r"^[ \t]*(?:User|Human|USER|HUMAN|user|human|Assistant|ASSISTANT)[ \t]*:[ \t]", re.M),
)
_INLINE = (
    re.compile(r"#{2,3} ?(?:Instruction|Human|User|Response|Assistant)s?[ \t]*:"),
    re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+(?:Human|User|Assistant|HUMAN|USER|ASSISTANT) ?[:\uff1a]\s"),
)
"""Turns without a line of their own; one may be quoted, several are a dialogue."""
_RESERVED = re.compile(
    r"<\|reserved_special_token_\d+\|>|<unused_?\d+>|<extra_id_\d+>|<\|dummy_\d+\|>|<\|extra_\d+\|>|<unk>|\[UNK\]|<mask>"
    r"|\[MASK\]|\[unused\d+\]|<pad>|\[PAD\]|<\|placeholder\d*\|>|<\|fim_\w+\|>|<mask_\d+>|<0x[0-9A-F]{2}>"
)
_TAG = re.compile(r"(<\|?/?[A-Za-z][\w:.-]*\|?>)(?:\s*\1){3,}")
_HTML = re.compile(r"</?(?:br|p|b|i|u|li|ul|ol|td|tr|th|div|span|hr|em|strong|code|pre|h[1-6]|table|a)>", re.I)


def without_end(output: str) -> str:
    """The output without end tokens and padding at its end."""
    return _TAIL.sub("", output)


def other_turns(output: str, prompt: str | None = None) -> tuple[str, int] | None:
    """The first marker of another turn after some content, with its position; `None` without any.

    A marker at the very beginning belongs to a transcript that prints the speaker before the answer.

    Args:
        output: Generated text.
        prompt: What it answered: a header line of the prompt that comes back in the output is a turn too.
    """
    body = without_end(output)
    found = [match for pattern in _TURNS for match in pattern.finditer(body) if body[: match.start()].strip()]
    for pattern in _INLINE:
        inline = [match for match in pattern.finditer(body) if body[: match.start()].strip()]
        found += inline if len(inline) > 1 else []
    for header in re.findall(r"^[ \t]*(#{1,4} ?[A-Z]\w+:|<[a-z_|]{3,}>)", prompt or "", re.M):
        found += [match for match in re.finditer(re.escape(header), body) if body[: match.start()].strip()]
    if not found:
        return None
    first = min(found, key=lambda match: match.start())
    return first[0].strip(), first.start()


def reserved_tokens(output: str) -> tuple[str, int] | None:
    """The first token that stands for no text, and how many there are.

    Any tag that comes four times in a row counts, and an end token that text follows.

    Args:
        output: Generated text, with special tokens left in.
    """
    body = without_end(output)
    found = _RESERVED.findall(body)
    if found:
        return found[0], len(found)
    runs = [match for match in _TAG.finditer(body) if not _HTML.fullmatch(match[1])]
    if runs:
        return runs[0][1], runs[0][0].count(runs[0][1])
    ends = re.findall(_END, body)
    return (ends[0], len(ends)) if ends else None
