"""What to write instead of a parameter that went: the part of a library's history that signatures do not tell.

When each of them went is measured, in the table of signatures; only the advice is written by hand. Parameters whose
advice is empty have no successor.
"""

from __future__ import annotations

_ARGUMENTS = {
    "evaluation_strategy": "eval_strategy",
    "no_cuda": "use_cpu",
    "use_mps_device": "use_cpu=False, because the device is found by itself",
    "per_gpu_train_batch_size": "per_device_train_batch_size",
    "per_gpu_eval_batch_size": "per_device_eval_batch_size",
    "group_by_length": 'train_sampling_strategy="group_by_length"',
    "warmup_ratio": "warmup_steps, which takes a share of all steps when it is below 1",
    "adafactor": 'optim="adafactor"',
    "fp16_backend": "",
    "half_precision_backend": "",
    "fp16_opt_level": "",
    "overwrite_output_dir": "",
    "logging_dir": "the environment variable TENSORBOARD_LOGGING_DIR",
    "save_safetensors": "",
    "push_to_hub_model_id": "hub_model_id",
    "push_to_hub_organization": "hub_model_id",
    "push_to_hub_token": "hub_token",
    "include_inputs_for_metrics": 'include_for_metrics=["inputs"]',
    "include_tokens_per_second": "",
    "dispatch_batches": "accelerator_config",
    "split_batches": "accelerator_config",
    "fsdp_min_num_params": "fsdp_config",
    "fsdp_transformer_layer_cls_to_wrap": "fsdp_config",
    "torchdynamo": "torch_compile_backend",
    "tpu_metrics_debug": 'debug="tpu_metrics_debug"',
    "use_ipex": "",
    "jit_mode_eval": "",
    "past_index": "",
    "mp_parameters": "",
    "ray_scope": "",
    "tpu_num_cores": "",
    "use_legacy_prediction_loop": "",
}
_SFT_TRAINER = {
    "tokenizer": "processing_class",
    "dataset_text_field": "SFTConfig(dataset_text_field=...)",
    "max_seq_length": "SFTConfig(max_length=...)",
    "packing": "SFTConfig(packing=...)",
    "eval_packing": "SFTConfig(eval_packing=...)",
    "dataset_num_proc": "SFTConfig(dataset_num_proc=...)",
    "dataset_kwargs": "SFTConfig(dataset_kwargs=...)",
    "model_init_kwargs": "SFTConfig(model_init_kwargs=...)",
    "neftune_noise_alpha": "SFTConfig(neftune_noise_alpha=...)",
    "dataset_batch_size": "",
    "num_of_sequences": "",
    "chars_per_token": "",
    "infinite": "",
}
_DPO_SETTINGS = (
    "beta",
    "label_smoothing",
    "loss_type",
    "max_length",
    "truncation_mode",
    "precompute_ref_log_probs",
    "disable_dropout",
    "dataset_num_proc",
    "model_init_kwargs",
)
_DPO_TRAINER = {
    "tokenizer": "processing_class",
    **{name: f"DPOConfig({name}=...)" for name in _DPO_SETTINGS},
}
_TOKENIZER = {"tokenizer": "processing_class"}
REPLACEMENTS: dict[str, dict[str, str]] = {
    "transformers.TrainingArguments": _ARGUMENTS,
    "transformers.Seq2SeqTrainingArguments": _ARGUMENTS,
    "transformers.Trainer": _TOKENIZER,
    "transformers.Seq2SeqTrainer": _TOKENIZER,
    "transformers.PreTrainedModel.from_pretrained": {"torch_dtype": "dtype"},
    "trl.SFTTrainer": _SFT_TRAINER,
    "trl.DPOTrainer": _DPO_TRAINER,
    **{f"trl.{name}Trainer": _TOKENIZER for name in ("KTO", "ORPO", "CPO", "PPO", "Reward", "BCO", "GKD", "RLOO")},
    "trl.SFTConfig": {"max_seq_length": "max_length", "use_liger": "use_liger_kernel"},
    "trl.GKDConfig": {"max_seq_length": "max_length", "use_liger": "use_liger_kernel"},
    "trl.ModelConfig": {"torch_dtype": "dtype"},
    "accelerate.Accelerator": {
        name: f"DataLoaderConfiguration({name}=...)"
        for name in ("split_batches", "dispatch_batches", "even_batches", "use_seedable_sampler")
    },
}
"""What takes the place of a parameter, by the qualified name of what it belonged to."""

SUCCESSORS = {
    "trl.DataCollatorForCompletionOnlyLM": "prompt-completion data, or SFTConfig(assistant_only_loss=True)",
    "trl.setup_chat_format": "trl.clone_chat_template",
    "trl.PPOv2Trainer": "trl.PPOTrainer",
    "trl.PPOv2Config": "trl.PPOConfig",
    **{
        f"trl.{name}{part}": f"trl.experimental.{folder}.{name}{part}"
        for name, folder in (("ORPO", "orpo"), ("CPO", "cpo"), ("GKD", "gkd"), ("OnlineDPO", "online_dpo"))
        for part in ("Trainer", "Config")
    },
    "trl.SFTScriptArguments": "trl.ScriptArguments",
    "peft.prepare_model_for_int8_training": "peft.prepare_model_for_kbit_training",
    "transformers.AdamW": "torch.optim.AdamW",
}
"""What takes the place of a class or function that went."""
