r"""A base model gets chat markup whose tokens were never trained, and LoRA leaves their rows as they are.

## What it sees
A chat template (`apply_chat_template`, `get_chat_template`) or literal turn tokens for a base checkpoint of a family
that reserves these tokens untrained, with a LoRA adapter that does not train embeddings.

## Why it matters
The rows of `<|start_header_id|>` or `<|eot_id|>` of a base model hold what initialisation left there, in Llama 3 for
all of them nearly the same vector. The model cannot tell the turns apart, and does not learn to stop.

## What it does not mean
The chat checkpoint of the same family has these rows trained; full fine-tuning trains them. Plain markers such as
`### Response:` consist of trained tokens.

## Example
Bad:

    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Meta-Llama-3-8B")
    tokenizer.pad_token = "<|reserved_special_token_0|>"

    def render(row):
        turn = "<|start_header_id|>user<|end_header_id|>\n\n" + row["question"] + "<|eot_id|>"
        reply = "<|start_header_id|>assistant<|end_header_id|>\n\n" + row["answer"] + "<|eot_id|>"
        return {"text": turn + reply}

    data = load_dataset("json", data_files="faq.jsonl", split="train").map(render)
    trainer = SFTTrainer(
        model="meta-llama/Meta-Llama-3-8B",
        processing_class=tokenizer,
        train_dataset=data,
        args=SFTConfig("out", learning_rate=2e-4, num_train_epochs=2, bf16=True, seed=7),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    )
    trainer.train()

Good:

    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Meta-Llama-3-8B-Instruct")
    tokenizer.pad_token = "<|reserved_special_token_0|>"

    def render(row):
        turn = "<|start_header_id|>user<|end_header_id|>\n\n" + row["question"] + "<|eot_id|>"
        reply = "<|start_header_id|>assistant<|end_header_id|>\n\n" + row["answer"] + "<|eot_id|>"
        return {"text": turn + reply}

    data = load_dataset("json", data_files="faq.jsonl", split="train").map(render)
    trainer = SFTTrainer(
        model="meta-llama/Meta-Llama-3-8B-Instruct",
        processing_class=tokenizer,
        train_dataset=data,
        args=SFTConfig("out", learning_rate=2e-4, num_train_epochs=2, bf16=True, seed=7),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"),
    )
    trainer.train()

## Check it by hand
Compare the rows of two turn tokens in `model.get_input_embeddings().weight`: a cosine near 1 means untrained rows.

## References
- https://github.com/unslothai/unsloth/issues/877
- https://huggingface.co/meta-llama/Meta-Llama-3-8B
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.models import is_instruct
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.embedding_training import changes_embeddings_by_hand, lora_calls, trains_embeddings
from trainclinic.script.program.encodings import chat_templates
from trainclinic.script.program.identities import Identity, identity_of
from trainclinic.script.program.program import Program
from trainclinic.script.program.prompts import training_texts
from trainclinic.script.program.reading import argument
from trainclinic.script.program.runs import together
from trainclinic.script.program.values import Call, Value
from trainclinic.script.rule import script_rule

TURN_TOKENS = ("<|start_header_id|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>")
MENDING = Mending("start from the chat checkpoint, or train `embed_tokens` and `lm_head` as well")


def find(program: Program) -> Iterator[Alarm]:
    """Look at chat markup in scripts whose adapters leave embeddings frozen."""
    for call, markup, known, adapters in () if changes_embeddings_by_hand(program) else _subjects(program):
        if any(trains_embeddings(adapter) is not False for adapter in adapters) or call.place is None:
            continue
        if known.family.base_markup_untrained is not True or is_instruct(known.name) is not False:
            continue
        says = f"{markup} on `{known.name}`, whose turn tokens are untrained and stay frozen under LoRA"
        last = adapters[-1].place
        steps = (Step(last, "the adapter leaves embeddings frozen"),) if last is not None else ()
        flow = (*steps, Step(call.place, "chat markup"))
        yield Alarm(call.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _subjects(program: Program) -> Iterator[tuple[Call, str, Identity, list[Call]]]:
    """Chat markup for known models, with the adapters of its script."""
    adapters = lora_calls(program)
    for call, markup, known in _markup(program) if adapters else ():
        mine = together(program, call, adapters)
        if mine:
            yield call, markup, known, mine


def _markup(program: Program) -> Iterator[tuple[Call, str, Identity]]:
    """Chat markup for tokenizers of known models, and what it is."""
    for call in program.calls_ending("get_chat_template"):
        yield from _of(call, argument(call, "tokenizer", 0), "a chat template is set")
    for call in chat_templates(program):
        if argument(call, "chat_template") is None:
            yield from _of(call, call.receiver, "the chat template is used")
    for text in training_texts(program):
        known = text.identity
        used = next((t for t in TURN_TOKENS if t in text.skeleton.literals), None)
        if known is not None and used is not None and known.family.has(used) is True:
            yield text.call, f"`{used}` is used", known


def _of(call: Call, tokenizer: Value | None, says: str) -> Iterator[tuple[Call, str, Identity]]:
    known = identity_of(tokenizer)
    if known is not None:
        yield call, says, known


def _looked(program: Program) -> bool:
    found = list(_subjects(program))
    decided = any(k.family.base_markup_untrained is not None or is_instruct(k.name) for _, _, k, _ in found)
    return decided and all(trains_embeddings(adapter) is not None for *_, mine in found for adapter in mine)


RULE = script_rule(
    code="TOK010",
    slug="chat-markup-on-base-model",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("a chat template or turn tokens, the name of the model, and a LoRA adapter",),
    find=find,
    looked=_looked,
    missing="chat markup for a known model beside a LoRA adapter",
)
