"""Which special tokens a tokenizer has, and which of them end an answer.

It knows the stated parts (`eos_token`), what encoding a text adds, and public names of end-of-turn tokens. It does not
know whether a model was trained on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trainclinic.encoding.tokens.files import TokenizerFiles
from trainclinic.encoding.tokens.tokenizer import Specials
from trainclinic.knowledge.models import family_of

END_OF_TURN = frozenset(
    {
        "<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<|eot|>",
        "<|EOT|>",
        "<|end|>",
        "<|end_of_turn|>",
        "<end_of_turn>",
        "<|endofturn|>",
        "<|END_OF_TURN_TOKEN|>",
        "<|return|>",
        "<|call|>",
    }
)
"""Names of tokens that end a turn and nothing else, over the public chat formats."""
_COMMON_ENDS = ("</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>", "<｜end▁of▁sentence｜>", "[EOS]", "[SEP]")
_COMMON_BEGINS = ("<s>", "<bos>", "<|begin_of_text|>", "<｜begin▁of▁sentence｜>", "[CLS]")
_COMMON_PADS = ("<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>")


def specials_of(
    files: TokenizerFiles, special: Mapping[str, int], size: int, added: tuple[Sequence[int], Sequence[int]]
) -> Specials:
    """The special tokens of a tokenizer.

    Args:
        files: Its settings; where they name no token, what encoding adds and public names are asked.
        special: Text of every special token to its id.
        size: Number of ids; ids beyond it in `generation_config.json` belong to another model.
        added: Ids that encoding puts before and after a text.
    """
    texts = {number: text for text, number in special.items()}
    before, after = ([texts[number] for number in ids if number in texts] for ids in added)
    has_settings = bool(files.named)
    begin = _stated(files, special, "bos_token", "cls_token") or _first(before)
    end = _stated(files, special, "eos_token", "sep_token") or _first(after[::-1])
    if not has_settings:
        begin = begin or _first([token for token in _COMMON_BEGINS if token in special])
        end = end or _family_end(files, special) or _first([token for token in _COMMON_ENDS if token in special])
    ends = {special[token] for token in END_OF_TURN if token in special}
    ends |= {number for number in files.ends if 0 <= number < size}
    ends |= {special[end]} if end else set()
    return Specials(
        ids=dict(special),
        begin=begin,
        end=end,
        pad=_stated(files, special, "pad_token") or _first([token for token in _COMMON_PADS if token in special]),
        unknown=_stated(files, special, "unk_token"),
        adds_begin=bool(begin) and begin in before,
        adds_end=bool(end) and end in after,
        ends=frozenset(ends),
    )


def _stated(files: TokenizerFiles, special: Mapping[str, int], *parts: str) -> str:
    return next((files.named[part] for part in parts if files.named.get(part) in special), "")


def _first(tokens: Sequence[str]) -> str:
    return tokens[0] if tokens else ""


def _family_end(files: TokenizerFiles, special: Mapping[str, int]) -> str:
    """EOS of the public family that the folder is named after, empty when that does not tell."""
    family = family_of(str(files.folder))
    token = family.eos_of(str(files.folder)) if family is not None else None
    return token if token and token in special else ""
