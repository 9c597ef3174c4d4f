"""Embeddings that were trained by hand or resized are not among what the adapter saves.

## What it sees
A LoRA adapter without `modules_to_save` for the embeddings, embeddings that the script unfreezes by hand or resizes,
and a save of the adapter without `save_embedding_layers=True`.

## Why it matters
The adapter files hold LoRA weights alone. Evaluation in the same process is good, and after a reload the embeddings are
those of the base again: new tokens are noise, and the answers change.

## What it does not mean
Versions of peft of the last years notice a vocabulary that was resized, and save the embeddings then; without an old
pinned version a resize is only hinted at. A row that was unfrozen by hand, with the vocabulary as it was, no version
notices.

## Example
Bad:

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", torch_dtype="bfloat16")
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    model.get_input_embeddings().weight.requires_grad_(True)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()
    model.save_pretrained("out/adapter")

Good:

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments
    from mydata import rows

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", torch_dtype="bfloat16")
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    model.get_input_embeddings().weight.requires_grad_(True)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, seed=7)
    Trainer(model=model, args=args, train_dataset=rows()).train()
    model.save_pretrained("out/adapter", save_embedding_layers=True)

## Check it by hand
List the keys of `adapter_model.safetensors`: one of them must name the embeddings.

## References
- https://huggingface.co/docs/peft/developer_guides/troubleshooting
- https://github.com/artidoro/qlora/issues/214
- https://github.com/huggingface/transformers/issues/45127
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.versions import key
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.places import Place, Step
from trainclinic.script.program.adapters import attached_by, config_of, ways
from trainclinic.script.program.embedding_training import EMBEDDINGS, trains_embeddings
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag, is_open
from trainclinic.script.program.values import Attribute, Call, Value
from trainclinic.script.rule import script_rule

NOTICES_RESIZING = "0.7.0"
"""Older versions of peft save no embeddings on their own."""
PATH = frozenset({"model", "base_model", "transformer", "gpt_neox", "decoder", "module"})
"""What stands between a model and its embeddings."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every save of an adapter, when embeddings of its model were changed before."""
    for save in _saves(program):
        trained, resized = _unfrozen(program, save), _resized(program, save)
        if save.place is None or not (trained or resized):
            continue
        first, how = (resized[0], "resized") if resized else (trained[0], "trained")
        certainty = _of_resizing(program) if resized else Certainty.LIKELY
        says = f"embeddings are {how}, and `{save.method}` of the adapter leaves them out"
        flow = (Step(first, f"the embeddings are {how}"), Step(save.place, "only adapter weights are saved"))
        mending = Mending(
            "pass `save_embedding_layers=True`, or name the embeddings in `modules_to_save`",
            edits=(Edit("set_argument", save.place, code="True", name="save_embedding_layers"),),
        )
        yield Alarm(save.place, says, certainty, flow, mending=mending)


def _saves(program: Program) -> Iterator[Call]:
    """Saves of an adapter that leaves the embeddings out, as far as the code says it."""
    for save in program.calls_of(".save_pretrained"):
        adapter = attached_by(save.receiver)
        config = config_of(adapter) if adapter is not None else None
        told = argument(save, "save_embedding_layers")
        if not isinstance(config, Call) or trains_embeddings(config) is not False or is_open(save):
            continue
        if told is None or flag(told) is False:
            yield save


def _resized(program: Program, save: Call) -> list[Place]:
    """Where the vocabulary of the saved model is changed."""
    model = set(ways(save.receiver))
    return [one.event.place for one in program.calls_of(".resize_token_embeddings") if model & set(ways(one.receiver))]


def _unfrozen(program: Program, save: Call) -> list[Place]:
    """Where the weights of its embeddings get `requires_grad` by hand."""
    model = set(ways(save.receiver))
    places = [
        one.event.place
        for one in program.calls_of(".requires_grad_")
        if model & _owners(one.receiver) and (not one.args or flag(one.args[0]))
    ]
    stores = program.attributes_set("requires_grad")
    return [*places, *(one.place for one in stores if flag(one.value) and model & _owners(one.base))]


def _owners(weight: Value | None) -> set[Value]:
    """The model whose embedding weights a value is, with all that it was; nothing for other weights."""
    are_embeddings = False
    while isinstance(weight, (Attribute, Call)):
        name = weight.name if isinstance(weight, Attribute) else weight.method
        if are_embeddings and not (isinstance(weight, Attribute) and name in PATH):
            break
        are_embeddings = are_embeddings or EMBEDDINGS.search(name) is not None
        weight = weight.base if isinstance(weight, Attribute) else weight.receiver
    return set(ways(weight)) if are_embeddings else set()


def _of_resizing(program: Program) -> Certainty:
    version = program.version_of("peft")
    return Certainty.LIKELY if version is not None and key(version) < key(NOTICES_RESIZING) else Certainty.HINT


def _looked(program: Program) -> bool:
    saves = [save for save in program.calls_of(".save_pretrained") if attached_by(save.receiver)]
    return any(_unfrozen(program, save) or _resized(program, save) for save in saves)


RULE = script_rule(
    code="ADP011",
    slug="embeddings-left-out-of-adapter-save",
    severity=Severity.HARMFUL,
    certainty=Certainty.LIKELY,
    needs=("embeddings that are unfrozen or resized, and a save of the adapter",),
    find=find,
    looked=_looked,
    missing="a save of an adapter beside changed embeddings",
    fix="unsafe",
)
