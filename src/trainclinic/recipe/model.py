"""A fine-tune as plain data. A value that nobody told is `None`, which means: not known.

Nothing here knows how to run it. Defaults stand in for unknown values when a recipe is resolved (`resolve`); they are
the settings that we would train with, not those that some library would take.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trainclinic.recipe.keys import key


@dataclass(frozen=True, slots=True)
class Model:
    """The weights to start from, and their tokenizer."""

    name: str | None = key("identifier on the Hugging Face hub, or a local folder")
    from_scratch: bool | None = key("start from random weights of that architecture", default=False)
    tokenizer: str | None = key("identifier or folder of the tokenizer; empty for that of the model", default="")
    attention: str | None = key(
        "implementation of attention", default="sdpa", choices=("eager", "sdpa", "flash_attention_2")
    )
    compiled: bool | None = key("compile the model with `torch.compile`", default=False)
    fused_loss: bool | None = key("compute logits and cross-entropy in one fused kernel", default=False)
    new_tokens: tuple[str, ...] | None = key("tokens to add; their rows start at the mean of the others", default=())


@dataclass(frozen=True, slots=True)
class Data:
    """The rows, and how they are read."""

    train: str | None = key("file with the training rows")
    evaluation: str | None = key("file with held-out rows; empty to hold some of the training rows out", default="")
    form: str | None = key(
        "how a row is written",
        choices=("messages", "prompt-completion", "instruction", "question-answer", "text", "preference"),
    )
    question_field: str | None = key("key of the prompt, question or instruction of a row", default="")
    input_field: str | None = key("key of a second part of the prompt; empty for none", default="")
    answer_field: str | None = key("key of the answer, messages or text of a row", default="")
    held_out: float | None = key(
        "share of the training rows that is held out for evaluation", default=0.05, at_least=0.0, at_most=0.5
    )
    drop_duplicates: bool | None = key("use rows that occur more than once only once", default=True)
    drop_empty_answers: bool | None = key("leave out rows without an answer", default=True)
    repair_encoding: bool | None = key("mend text that was decoded with the wrong encoding", default=False)
    shuffle: bool | None = key("visit the rows in random order, another one in each epoch", default=True)


@dataclass(frozen=True, slots=True)
class Text:
    """How a row becomes tokens."""

    template: str | None = key(
        "`model` for the chat template of the tokenizer, `plain` for `User:` and `Assistant:` before the turns, `none` "
        "for prompt and answer behind each other",
        default="model",
        choices=("model", "plain", "none"),
    )
    system: str | None = key("system message before every conversation; empty for none", default="")
    max_length: int | None = key("longest row", unit="tokens", default=1024, at_least=8)
    too_long: str | None = key(
        "what happens to rows that are longer: left out, or cut at the end", default="drop", choices=("drop", "cut")
    )
    packing: bool | None = key("put several rows into one sequence", default=False)
    end_token: bool | None = key("write the end token after every answer", default=True)
    pad_token: str | None = key("`own` for a padding token that is not the end token, else its text", default="own")
    padding_side: str | None = key("side of the padding in training", default="right", choices=("right", "left"))
    begin_tokens: int | None = key("begin tokens before a row", default=1, at_least=0, at_most=2)


@dataclass(frozen=True, slots=True)
class Loss:
    """What the loss is computed on."""

    targets: str | None = key("which tokens are targets", default="answers", choices=("answers", "all"))
    shifted_by: str | None = key(
        "who moves the targets by one position", default="model", choices=("model", "loader", "both", "nobody")
    )
    padding: bool | None = key("padding counts in the loss", default=False)
    normalised_by: str | None = key(
        "what the loss of an update is divided by", default="targets", choices=("targets", "micro-batches", "nothing")
    )
    beta: float | None = key("strength of the reference in preference training", default=0.1, above=0.0)


@dataclass(frozen=True, slots=True)
class Adapter:
    """What is trained: all weights, or low-rank adapters beside them."""

    method: str | None = key("what is trained", default="lora", choices=("lora", "full"))
    rank: int | None = key("rank of the adapters", default=16, at_least=1)
    alpha: float | None = key("LoRA alpha: the update is multiplied by alpha over rank", default=32.0, above=0.0)
    dropout: float | None = key("dropout before the adapters", default=0.0, at_least=0.0, at_most=0.9)
    modules: tuple[str, ...] | None = key("modules with adapters; `all-linear` for every linear layer",
                                          default=("all-linear",))  # fmt: skip
    in_full: tuple[str, ...] | None = key("modules trained in full and saved beside the adapters", default=())
    rank_stabilised: bool | None = key("divide alpha by the square root of the rank", default=False)
    quantised_bits: int | None = key("bits of a quantised frozen base; 0 for none", unit="bits", default=0,
                                     at_least=0, at_most=8)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Optimizer:
    """How weights are changed."""

    name: str | None = key("optimizer as the Trainer calls it", default="adamw_torch")
    learning_rate: float | None = key("peak learning rate", default=1e-4, above=0.0)
    weight_decay: float | None = key("weight decay", default=0.0, at_least=0.0)
    beta1: float | None = key("decay of the first moment", default=0.9, at_least=0.0, at_most=0.9999)
    beta2: float | None = key("decay of the second moment", default=0.999, at_least=0.0, at_most=0.99999)
    epsilon: float | None = key("Adam epsilon", default=1e-8, above=0.0)
    max_grad_norm: float | None = key("limit of the gradient norm; 0 for none", default=1.0, at_least=0.0)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate over the steps, and how many there are."""

    name: str | None = key(
        "course of the learning rate",
        default="cosine",
        choices=("linear", "cosine", "constant", "constant_with_warmup"),
    )
    warmup_steps: int | None = key("steps over which the rate rises from 0", unit="steps", default=20, at_least=0)
    minimum: float | None = key("learning rate at the end", default=0.0, at_least=0.0)
    epochs: float | None = key("passes over the rows", unit="epochs", default=3.0, above=0.0)
    steps: int | None = key("optimizer steps; 0 to go by epochs", unit="steps", default=0, at_least=0)


@dataclass(frozen=True, slots=True)
class Precision:
    """Formats of numbers, and the device."""

    device: str | None = key("where to train; `auto` for CUDA, then MPS, then CPU", default="auto",
                             choices=("auto", "cpu", "mps", "cuda"))  # fmt: skip
    trained_weights: str | None = key(
        "format of the weights that the optimizer changes", default="float32",
        choices=("float32", "float16", "bfloat16"),
    )  # fmt: skip
    frozen_weights: str | None = key(
        "format of frozen weights; `auto` for 16 bits on CUDA and float32 elsewhere", default="auto",
        choices=("auto", "float32", "float16", "bfloat16"),
    )  # fmt: skip
    compute: str | None = key(
        "format of the arithmetic; `auto` for bfloat16 on CUDA where the GPU has it, else float16 with a loss scaler, "
        "and float32 on every other device",
        default="auto",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    loss_scaling: bool | None = key("scale the loss where the arithmetic is float16", default=True)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows per step."""

    rows: int | None = key("rows per device and forward pass", unit="rows", default=8, at_least=1)
    accumulation: int | None = key("forward passes per optimizer step", default=1, at_least=1)
    checkpointing: bool | None = key("recompute activations to save memory", default=False)
    by_length: bool | None = key("put rows of similar length into one batch", default=False)
    workers: int | None = key("processes that prepare batches; 0 for the training process", default=0, at_least=0)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How the run is judged while it trains."""

    every_steps: int | None = key("steps between evaluations; 0 for ten in a run", unit="steps", default=0, at_least=0)
    patience: int | None = key("evaluations without improvement before it stops; 0 for none", default=3, at_least=0)
    generations: int | None = key("answers that are generated from held-out prompts at the end", default=3, at_least=0)


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """What is saved, and what is gone on from."""

    every_steps: int | None = key("steps between checkpoints; 0 for one at every evaluation", unit="steps", default=0,
                                  at_least=0)  # fmt: skip
    keep: int | None = key("checkpoints that are kept beside the best one", default=2, at_least=1)
    resume_from: str | None = key("checkpoint to go on from; empty to start again", default="")


@dataclass(frozen=True, slots=True)
class Guard:
    """What is watched while it trains."""

    log_every_steps: int | None = key("steps between logged rows", unit="steps", default=5, at_least=1)
    true_losses: bool | None = key("log losses as they are, NaN included", default=True)
    stop_on_non_finite: bool | None = key("stop before an update with a non-finite gradient", default=True)
    first_loss: tuple[float, ...] | None = key(
        "lowest and highest first loss of an intact run", unit="nats/token", default=()
    )
    on_spike: str | None = key(
        "what happens at a spike of the loss: a warning, the end, or a return to the last good state with a lower "
        "learning rate, the data of the spike left behind",
        default="warn",
        choices=("warn", "stop", "rollback"),
    )
    rollbacks: int | None = key("most returns to a good state before the run is stopped", default=2, at_least=0)
    rollback_rate: float | None = key("factor on the learning rate after a return", default=0.5, above=0.0, at_most=1.0)
    webhook: str | None = key("address that gets a JSON message at an alarm; empty for none", default="")
    command: tuple[str, ...] | None = key("program with arguments that is started at an alarm; empty for none",
                                          default=())  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """A fine-tune. Every key is documented in its field; the reference page lists them all."""

    objective: str | None = key(
        "what is optimised",
        default="sft",
        choices=("sft", "pretraining", "dpo", "other"),
    )
    seed: int | None = key("seed of every random choice", default=42, at_least=0)
    model: Model = field(default_factory=Model)
    data: Data = field(default_factory=Data)
    text: Text = field(default_factory=Text)
    loss: Loss = field(default_factory=Loss)
    adapter: Adapter = field(default_factory=Adapter)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    precision: Precision = field(default_factory=Precision)
    batch: Batch = field(default_factory=Batch)
    evaluation: Evaluation = field(default_factory=Evaluation)
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    guard: Guard = field(default_factory=Guard)
