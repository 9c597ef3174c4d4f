"""Since which versions libraries do things by themselves: what signatures do not show.

Each entry was read in the released sources, in the symbol that it names, over the versions of the bundled table of
signatures (`oracle/signatures.json`). It says since or until when, as an exact version of that table; earlier patches
of the same minor version were not compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainclinic.knowledge.versions import key

Holds = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Something that a library does in some of its versions.

    Attributes:
        library: The library.
        says: What it does, as a sentence without full stop.
        symbol: Where it was read.
        since: First version that does it; empty when the oldest version that was read already does.
        until: First version that no longer does it; empty when the newest still does.
    """

    library: str
    says: str
    symbol: str
    since: str = ""
    until: str = ""

    def holds(self, version: str | None) -> Holds:
        """Whether a version does it.

        Args:
            version: Exact version, `None` when it is unknown: then the answer is `unknown`, unless all versions agree.
        """
        if version is None or not key(version):
            return "unknown" if self.since or self.until else "yes"
        early = bool(self.since) and _series(version) < _series(self.since)
        late = bool(self.until) and _series(version) >= _series(self.until)
        return "no" if early or late else "yes"


def _series(version: str) -> tuple[int, int]:
    """Major and minor number: behaviour was compared between minor versions."""
    major, minor = (*key(version), 0, 0)[:2]
    return major, minor


LOADS_CHECKPOINT_DTYPE = Behaviour(
    "transformers",
    "`from_pretrained` without a dtype keeps the dtype of the checkpoint; before, weights become float32",
    "modeling_utils.PreTrainedModel.from_pretrained: dtype None becomes `auto`",
    since="5.0.0",
)
CASTS_ADAPTERS_TO_FLOAT32 = Behaviour(
    "peft",
    "`get_peft_model` casts float16 and bfloat16 adapter weights to float32 (`autocast_adapter_dtype=True`)",
    "mapping.get_peft_model, tuners.tuners_utils.BaseTuner._cast_adapter_dtype",
    since="0.12.0",
)
PEFT_ENABLES_INPUT_GRADS = Behaviour(
    "peft",
    "`get_peft_model` enables input gradients when gradient checkpointing is already on and the model is not quantised",
    "peft_model.PeftModel.__init__: _prepare_model_for_gradient_checkpointing",
)
KBIT_PREPARATION_ENABLES_INPUT_GRADS = Behaviour(
    "peft",
    "`prepare_model_for_kbit_training` switches gradient checkpointing and input gradients on for quantised models",
    "utils.other.prepare_model_for_kbit_training: use_gradient_checkpointing=True",
)
CHECKPOINTING_ENABLES_INPUT_GRADS = Behaviour(
    "transformers",
    "switching gradient checkpointing on, as the Trainer does, enables input gradients of every text model; before, "
    "only of models with an adapter loaded by transformers itself, which `get_peft_model` does not mark",
    "modeling_utils.PreTrainedModel.gradient_checkpointing_enable: needs_embedding_grads",
    since="5.0.0",
)
CHECKPOINTING_IS_REENTRANT = Behaviour(
    "transformers",
    "gradient checkpointing is reentrant unless `use_reentrant=False` is asked for, and needs an input with gradients",
    "modeling_utils.PreTrainedModel.gradient_checkpointing_enable: use_reentrant (until 4.37 the default of torch)",
    until="5.0.0",
)
SFT_ENABLES_INPUT_GRADS = Behaviour(
    "trl",
    "`SFTTrainer(peft_config=...)` enables input gradients when gradient checkpointing is on",
    "trainer.sft_trainer.SFTTrainer.__init__",
)
SFT_ENABLES_INPUT_GRADS_OF_READY_ADAPTERS = Behaviour(
    "trl",
    "`SFTTrainer` enables input gradients of a model that already is a `PeftModel`",
    "trainer.sft_trainer.SFTTrainer.__init__: isinstance(model, PeftModel)",
    since="0.20.0",
)
SFT_CHECKPOINTS_BY_DEFAULT = Behaviour(
    "trl",
    "the configurations of trl switch gradient checkpointing on by default",
    "trainer.sft_config.SFTConfig.gradient_checkpointing",
    since="0.22.2",
)
SFT_BF16_BY_DEFAULT = Behaviour(
    "trl",
    "`SFTConfig` trains in bfloat16 autocast unless fp16 or bf16 is set",
    "trainer.sft_config.SFTConfig.bf16, __post_init__",
    since="0.19.1",
)
SFT_LOADS_FLOAT32 = Behaviour(
    "trl",
    "a model that is passed to a trainer as a string is loaded in float32 unless `model_init_kwargs` says otherwise",
    "trainer.utils.create_model_from_path: dtype",
    since="0.27.2",
)
SFT_APPENDS_EOS = Behaviour(
    "trl",
    "`SFTTrainer` appends the EOS token to text and prompt-completion rows that lack it",
    "trainer.sft_trainer.SFTTrainer._prepare_dataset: tokenize (0.16), add_eos (since 0.17)",
    since="0.16.1",
)
SFT_APPENDS_EOS_TO_TEXT_COLUMN_ALONE = Behaviour(
    "trl",
    "`SFTTrainer` appends EOS to a text column only if it is called `text`, whatever `dataset_text_field` says",
    "trainer.sft_trainer.SFTTrainer._prepare_dataset: add_eos",
    since="0.17.0",
    until="1.15.0",
)
SFT_APPENDS_EOS_TO_CHATS = Behaviour(
    "trl",
    "`SFTTrainer` appends the EOS token after the chat template as well; later, chats end as their template ends",
    "trainer.sft_trainer.SFTTrainer._prepare_dataset: tokenize",
    since="0.16.1",
    until="0.17.0",
)
SFT_PACKING_APPENDS_EOS = Behaviour(
    "trl",
    "`SFTTrainer` with packing puts an EOS token after each example",
    "trainer.sft_trainer.SFTTrainer._prepare_packed_dataloader: append_concat_token=True",
    until="0.15.2",
)
SFT_MASKS_PAD_BY_ID = Behaviour(
    "trl",
    "the default collator of `SFTTrainer` masks every token equal to the pad token; later, only what it padded itself",
    "trainer.sft_trainer.SFTTrainer.__init__: transformers.DataCollatorForLanguageModeling",
    until="0.16.1",
)
LM_COLLATOR_MASKS_PAD_BY_ID = Behaviour(
    "transformers",
    "`DataCollatorForLanguageModeling(mlm=False)` masks every label that equals the pad token, EOS included if they "
    "are one token",
    "data.data_collator.DataCollatorForLanguageModeling.torch_call",
)
HAS_COMPLETION_COLLATOR = Behaviour(
    "trl",
    "`DataCollatorForCompletionOnlyLM` exists",
    "trl.__init__",
    until="0.20.0",
)
PACKS_ACROSS_EXAMPLES = Behaviour(
    "trl",
    "`packing=True` cuts one stream of all tokens into blocks, so that rows hold parts of several examples under one "
    "causal mask",
    "trainer.sft_trainer.SFTTrainer: ConstantLengthDataset, pack_examples, pack_dataset",
    until="0.19.1",
)
PACKS_BEST_FIT = Behaviour(
    "trl",
    "`packing=True` packs whole examples by best fit without padding (`bfd`), which needs an attention that respects "
    "position ids",
    "trainer.sft_config.SFTConfig.packing_strategy; in 0.19 the default is `ffd`, first fit",
    since="0.20.0",
)
DIVIDES_LOSS_BY_ITEMS = Behaviour(
    "transformers",
    "the Trainer counts the labels of a whole accumulation window and passes `num_items_in_batch` to the loss",
    "trainer.Trainer.training_step, get_batch_samples",
    since="4.46.3",
)
SMOOTHER_SHIFTS_FOR_ADAPTERS = Behaviour(
    "transformers",
    "with `label_smoothing_factor` the Trainer shifts the labels of a `PeftModel` by the class of the model inside it; "
    "4.31 and 4.35 look at the class of the wrapper, and do not shift",
    "trainer.Trainer.compute_loss: model_name",
    since="4.36.2",
)
