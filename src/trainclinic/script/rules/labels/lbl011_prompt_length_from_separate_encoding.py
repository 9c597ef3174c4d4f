r"""The length of the prompt comes from an encoding of its own that does not begin like the whole text.

## What it sees
Labels of an encoding of prompt and answer are masked up to the length of the prompt encoded alone, where special
tokens are added to one of both only, or where a literal such as `- 1` corrects a length that needs none.

## Why it matters
The mask ends a token or two beside the border. One too long takes the first token of every answer out of the loss,
and the model never learns how to begin; one too short trains the end of every prompt.

## What it does not mean
A prompt that is encoded alone, with the same settings, is common practice and right for most tokenizers. A border
that falls inside a token moves it by one token still; encoding prompt and answer apart and joining the ids has no
border.

## Example
Bad:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-hf")

    def encode(row):
        prompt = f"### Question: {row['question']}\n### Answer: "
        ids = tokenizer(prompt + row["answer"] + tokenizer.eos_token)["input_ids"]
        start = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        labels = list(ids)
        labels[:start] = [-100] * start
        return {"input_ids": ids, "labels": labels}

Good:

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-hf")

    def encode(row):
        prompt = f"### Question: {row['question']}\n### Answer: "
        start = tokenizer(prompt)["input_ids"]
        end = tokenizer(row["answer"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        labels = [-100] * len(start) + end
        return {"input_ids": start + end, "labels": labels}

## Check it by hand
Decode the first three labels that are not -100: they must be the beginning of the answer, no more and no less.

## References
- https://huggingface.co/docs/transformers/main_classes/tokenizer
- https://github.com/huggingface/trl/issues/1820
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import tokenizer_of
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompt_masks import PromptMask, prompt_masks
from trainclinic.script.program.reading import argument, flag, is_open
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

MENDING = Mending("encode prompt and answer apart and join their ids, so that the border is exact")


def find(program: Program) -> Iterator[Alarm]:
    """Look at every mask whose length is that of an encoding of the prompt alone."""
    for one in _separate(program):
        prompt, place = one.prompt, one.mask.place
        off = _off_by(program, one)
        if prompt is None or prompt.place is None or off == 0:
            continue
        flow = (Step(prompt.place, "the prompt is encoded alone"), Step(place, "its length is masked in the whole"))
        if off is None:
            says = "the masked length is that of the prompt encoded alone, which need not begin the whole encoding"
            yield Alarm(place, says, Certainty.HINT, flow, mending=MENDING)
        else:
            beyond = "into the answer" if off > 0 else "before the answer begins"
            says = f"the mask of the prompt ends {abs(off)} token{'s' * (abs(off) > 1)} too {_way(off)}, {beyond}"
            yield Alarm(place, says, Certainty.LIKELY, flow, mending=MENDING)


def _way(off: int) -> str:
    return "late" if off > 0 else "early"


def _separate(program: Program) -> Iterator[PromptMask]:
    return (one for one in prompt_masks(program) if one.prompt is not None and one.whole and len(one.joint) == 1)


def _off_by(program: Program, one: PromptMask) -> int | None:
    """By how many tokens the mask is too long, special tokens alone counted; `None` when that is not known."""
    assert one.prompt is not None
    touched = any(event.key in {"add_bos_token", "add_eos_token"} for event in program.stores)
    alone, whole = _begin_tokens(one.prompt), _begin_tokens(one.joint[0])
    ends = _adds_end(one.prompt)
    if alone is None or whole is None or ends is None or touched:
        return None
    return alone + ends + one.correction - whole


def _begin_tokens(call: Call) -> int | None:
    known = identity_of(tokenizer_of(call))
    adds = _adds_specials(call)
    if known is None or known.family.adds_bos is None or adds is None:
        return None
    return int(adds and known.family.adds_bos)


def _adds_end(call: Call) -> int | None:
    known = identity_of(tokenizer_of(call))
    if known is None or known.family.adds_eos is None:
        return None
    return int(bool(_adds_specials(call)) and known.family.adds_eos)


def _adds_specials(call: Call) -> bool | None:
    given = argument(call, "add_special_tokens")
    return None if is_open(call) else True if given is None else flag(given)


def _looked(program: Program) -> bool:
    known = ((one.prompt, one.joint[0]) for one in _separate(program))
    return any(identity_of(tokenizer_of(call)) is not None for pair in known for call in pair if call is not None)


RULE = script_rule(
    code="LBL011",
    slug="prompt-length-from-separate-encoding",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("masks of prompts in labels", "the encoding of the prompt alone"),
    find=find,
    looked=_looked,
    missing="a mask in the labels of a known model's tokenizer, as long as a prompt that is encoded alone",
)
