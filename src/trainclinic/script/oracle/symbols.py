"""Which callables the bundled table of signatures describes."""

from __future__ import annotations

LIBRARIES = ("transformers", "trl", "peft", "accelerate")
"""The libraries that the table knows."""

TRAINER_METHODS = (
    "training_step", "compute_loss", "log", "prediction_step", "evaluation_loop", "prediction_loop", "evaluate",
    "predict", "create_optimizer", "create_scheduler", "create_optimizer_and_scheduler", "get_train_dataloader",
    "get_eval_dataloader", "get_test_dataloader", "_get_train_sampler", "_get_eval_sampler", "save_model",
    "_save_checkpoint", "_maybe_log_save_evaluate", "_save", "floating_point_ops", "get_batch_samples", "num_tokens",
    "_prepare_inputs", "_load_best_model", "_load_from_checkpoint",
)  # fmt: skip
"""Methods of `transformers.Trainer` that scripts override."""

CALLBACK_EVENTS = (
    "on_init_end", "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_step_begin",
    "on_pre_optimizer_step", "on_optimizer_step", "on_substep_end", "on_step_end", "on_evaluate", "on_predict",
    "on_save", "on_log", "on_prediction_step", "on_push_begin",
)  # fmt: skip
"""Methods of `transformers.TrainerCallback`."""

_TRL_TRAINERS = (
    "SFT",
    "DPO",
    "KTO",
    "ORPO",
    "CPO",
    "GRPO",
    "PPO",
    "PPOv2",
    "Reward",
    "RLOO",
    "BCO",
    "GKD",
    "OnlineDPO",
)

SYMBOLS = (
    "transformers.Trainer",
    *(f"transformers.Trainer.{method}" for method in TRAINER_METHODS),
    *(f"transformers.TrainerCallback.{event}" for event in CALLBACK_EVENTS),
    "transformers.TrainingArguments",
    "transformers.Seq2SeqTrainingArguments",
    "transformers.Seq2SeqTrainer",
    "transformers.DataCollatorForLanguageModeling",
    "transformers.DataCollatorForSeq2Seq",
    "transformers.DataCollatorWithPadding",
    "transformers.BitsAndBytesConfig",
    "transformers.PreTrainedModel.from_pretrained",
    "transformers.PreTrainedModel.enable_input_require_grads",
    "transformers.PreTrainedModel.gradient_checkpointing_enable",
    "transformers.PreTrainedModel.resize_token_embeddings",
    "transformers.PreTrainedTokenizerBase.apply_chat_template",
    "transformers.get_linear_schedule_with_warmup",
    "transformers.get_cosine_schedule_with_warmup",
    "transformers.AdamW",
    *(f"trl.{name}{part}" for name in _TRL_TRAINERS for part in ("Trainer", "Config")),
    "trl.ScriptArguments",
    "trl.SFTScriptArguments",
    "trl.ModelConfig",
    "trl.DataCollatorForCompletionOnlyLM",
    "trl.setup_chat_format",
    "trl.clone_chat_template",
    "trl.AutoModelForCausalLMWithValueHead.from_pretrained",
    "peft.LoraConfig",
    "peft.get_peft_model",
    "peft.prepare_model_for_kbit_training",
    "peft.prepare_model_for_int8_training",
    "peft.PeftModel.from_pretrained",
    "peft.LoraModel.merge_and_unload",
    "accelerate.Accelerator",
    "accelerate.Accelerator.clip_grad_norm_",
    "accelerate.Accelerator.accumulate",
    "accelerate.Accelerator.prepare",
)
"""Qualified names under which scripts import them."""
