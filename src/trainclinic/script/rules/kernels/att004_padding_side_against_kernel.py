"""Rows are padded on the side that the attention kernel of the model refuses.

## What it sees
A model of the Mistral, Mixtral, Qwen 2 or Phi-3 family with `attn_implementation="flash_attention_2"`, whose
tokenizer is given `padding_side="right"`, and which generates.

## Why it matters
These models stop batched generation in flash attention with `ValueError: You are attempting to perform batched
generation with padding_side='right'`; where they do not, the answer is written after the padding.

## What it does not mean
Right padding is what training wants. Give a second tokenizer, or switch the side, for generation.

## Example
Bad:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    name = "mistralai/Mistral-7B-Instruct-v0.2"
    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="right")
    tokenizer.pad_token = tokenizer.unk_token
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16, attn_implementation="flash_attention_2")
    model.eval()

    def answers(prompts):
        texts = [tokenizer.apply_chat_template(p, tokenize=False, add_generation_prompt=True) for p in prompts]
        batch = tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt")
        ids = model.generate(**batch, max_new_tokens=200)
        return tokenizer.batch_decode(ids[:, batch.input_ids.shape[1] :], skip_special_tokens=True)

Good:

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    name = "mistralai/Mistral-7B-Instruct-v0.2"
    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
    tokenizer.pad_token = tokenizer.unk_token
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.bfloat16, attn_implementation="flash_attention_2")
    model.eval()

    def answers(prompts):
        texts = [tokenizer.apply_chat_template(p, tokenize=False, add_generation_prompt=True) for p in prompts]
        batch = tokenizer(texts, padding=True, add_special_tokens=False, return_tensors="pt")
        ids = model.generate(**batch, max_new_tokens=200)
        return tokenizer.batch_decode(ids[:, batch.input_ids.shape[1] :], skip_special_tokens=True)

## Check it by hand
Generate for two prompts of different lengths, alone and as a batch: the answers must be equal.

## References
- https://huggingface.co/docs/transformers/model_doc/mistral
- https://huggingface.co/docs/transformers/llm_tutorial
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.identities import identity_of
from trainclinic.script.program.objects import LOADERS, is_tokenizer
from trainclinic.script.program.precision import same_module
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, only
from trainclinic.script.program.runs import together
from trainclinic.script.program.values import Call
from trainclinic.script.rule import script_rule

_REFUSING = frozenset({"mistral", "mistral-v0.3", "mixtral", "zephyr", "qwen2", "qwen2.5", "phi-3"})


def find(program: Program) -> Iterator[Alarm]:
    """Compare the padding side with the kernel of every model that generates."""
    for loader, generate in _kernels(program):
        for place, side in _sides(program, generate):
            if side != "right" or generate.place is None:
                continue
            says = "`padding_side='right'` meets flash attention in `generate`, which it refuses or continues behind"
            flow = (
                Step(loader.event.place, "flash attention"),
                Step(generate.place, "a batch is generated"),
                Step(place, "padded on the right"),
            )
            mending = Mending("pad on the left for generation", "unsafe", (Edit("replace", place, '"left"'),))
            yield Alarm(place, says, Certainty.LIKELY, flow, mending=mending)


def _kernels(program: Program) -> Iterator[tuple[Call, Call]]:
    """Loads of such models with flash attention, with the first generation of each."""
    for loader in program.calls_ending(*LOADERS):
        identity = identity_of(loader)
        asked = only(argument(loader, "attn_implementation")) == "flash_attention_2"
        if identity is None or identity.family.name not in _REFUSING or not asked:
            continue
        mine = [call for call in program.calls_of(".generate") if same_module(call.receiver, loader)]
        if mine:
            yield loader, mine[0]


def _sides(program: Program, generate: Call) -> Iterator[tuple[Place, str]]:
    """The padding side that tokenizers of the script are given, if it is one and the same everywhere."""
    found: list[tuple[Place, str]] = []
    calls = [call for call in program.calls_ending(*LOADERS) if is_tokenizer(call)]
    for call in together(program, generate, calls):
        given = argument(call, "padding_side")
        if given is not None and given.place is not None:
            found += [(given.place, str(name)) for name in constants(given)]
    for event in program.attributes_set("padding_side"):
        if event.value.place is not None:
            found += [(event.value.place, str(name)) for name in constants(event.value)]
    if len({side for _, side in found}) == 1:
        yield from found


def _looked(program: Program) -> bool:
    return any(True for _, generate in _kernels(program) for _ in _sides(program, generate))


RULE = script_rule(
    code="ATT004",
    slug="padding-side-against-kernel",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("the attention of a model that generates, and the padding side of its tokenizer",),
    find=find,
    looked=_looked,
    missing="generation in flash attention and a padding side that is given",
    fix="unsafe",
)
