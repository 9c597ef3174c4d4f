"""Spellings of training settings in many tools, by the project's fact names.

Spellings are lower case with `_` between words; a dot is kept where the section decides what the word means (`lora.r`).
The table knows names only: what a value means is the business of `meanings`.
"""

from __future__ import annotations

ALIASES: dict[str, str] = {
    "model_name": """model_name_or_path base_model pretrained_model_name_or_path model_id model model_path
        base_model_name_or_path hf_model gpt2_model_name hf_model_name base_model_name base_model_id pretrained_model
        pretrained_model_name model.name model.name_or_path model.pretrained_model_name_or_path model.model_name
        model.path _name_or_path model_checkpoint vla_path tokenizer.checkpointer.model""",
    "model_type": "model_type arch architecture model.type model_family",
    "vocabulary_size": "vocab_size vocabulary_size padded_vocab_size n_vocab model.vocab_size",
    "hidden_size": "hidden_size n_embd d_model hidden_dim embedding_size model_dim n_embed",
    "layer_count": "num_hidden_layers n_layer n_layers num_layers model.num_layers",
    "parameter_count": "parameter_count num_parameters total_parameters total_params all_params n_params num_params",
    "trainable_parameter_count": "trainable_parameter_count trainable_params trainable_parameters num_trainable_params",
    "tied_embeddings": "tie_word_embeddings tied_embeddings tie_embeddings weight_tying",
    "tokenizer_name": "tokenizer_name tokenizer tokenizer_class tokenizer_name_or_path tokenizer_type tokenizer.name",
    "pad_token": "pad_token special_tokens.pad_token",
    "eos_token": "eos_token special_tokens.eos_token",
    "bos_token": "bos_token special_tokens.bos_token",
    "chat_template": "chat_template template chat_template_name prompt_template conversation_template",
    "framework": "framework",
    "lora_rank": """lora_r lora_rank lora_dim peft_lora_r lora.r lora.rank lora_parameters.rank lora_config.r peft.r
        peft_config.r lora_config.rank peft.lora_rank model.lora_rank lora_args.rank lora_args.r adapter_rank""",
    "lora_alpha": """lora_alpha peft_lora_alpha lora.alpha lora.lora_alpha lora_parameters.alpha lora_config.lora_alpha
        peft.lora_alpha peft_config.lora_alpha lora_config.alpha model.lora_alpha lora_args.alpha""",
    "lora_dropout": """lora_dropout peft_lora_dropout lora.dropout lora.lora_dropout lora_parameters.dropout
        lora_config.lora_dropout peft.lora_dropout peft_config.lora_dropout lora_config.dropout model.lora_dropout""",
    "lora_target_modules": """lora_target_modules lora_target target_modules lora_targets lora.target_modules
        lora_config.target_modules peft.target_modules peft_config.target_modules lora_parameters.keys lora_modules
        model.lora_attn_modules lora_target_linear_modules""",
    "lora_modules_to_save": """modules_to_save lora_modules_to_save additional_target lora_config.modules_to_save
        peft_config.modules_to_save peft.modules_to_save""",
    "use_rslora": "use_rslora peft_use_rslora lora_config.use_rslora",
    "gpu_name": "gpu gpu_name gpu_type accelerator_name device_name gpu_model",
    "world_size": """world_size num_processes nproc_per_node num_gpus n_gpu n_gpus ngpus gpus num_devices
        total_devices devices ngpu""",
    "deepspeed_stage": "zero_stage deepspeed_stage zero_optimization.stage zero_optimization_stage",
    "gradient_checkpointing": """gradient_checkpointing use_gradient_checkpointing activation_checkpointing
        enable_activation_checkpointing grad_checkpoint grad_checkpointing gradient_checkpointing_enable
        recompute_granularity recompute_activations activations_checkpoint_granularity activation_checkpoint.mode""",
    "tensor_parallel_processes": """tensor_model_parallel_size tensor_parallel_size tensor_parallel_degree tp_size
        tensor_parallel parallelism.tensor_parallel_degree""",
    "pipeline_parallel_processes": """pipeline_model_parallel_size pipeline_parallel_size pipeline_parallel_degree
        pp_size pipeline_parallel parallelism.pipeline_parallel_degree""",
    "sequence_parallel_processes": """sequence_parallel_size context_parallel_size sequence_parallel_degree
        context_parallel_degree cp_size sp_size context_parallel ulysses_sequence_parallel_size ulysses_degree
        parallelism.context_parallel_degree sequence_parallel_world_size ring_degree""",
    "is_distributed": "multi_gpu is_distributed distributed_training",
    "torch_compile": """torch_compile compile compile_model use_compile use_torch_compile enable_compile model_compile
        compile.enable""",
    "fused_loss_kernel": """use_liger_kernel use_liger enable_liger_kernel use_liger_loss cut_cross_entropy use_cce
        liger_fused_linear_cross_entropy liger_cross_entropy fused_linear_cross_entropy fused_cross_entropy
        flash_attn_cross_entropy flash_attn_fuse_cross_entropy cross_entropy_loss_fusion cross_entropy_fusion
        use_fused_cross_entropy""",
    "tf32": "tf32 allow_tf32 enable_tf32 use_tf32",
    "micro_batch_size": """per_device_train_batch_size micro_batch_size per_gpu_train_batch_size batch_size
        train_batch_size device_batch_size per_device_batch_size train_micro_batch_size_per_gpu mini_batch_size
        batch bs micro_batch microbatch_size local_batch_size device_train_microbatch_size""",
    "accumulation_steps": """gradient_accumulation_steps grad_accum_steps accumulation_steps gradient_accumulation
        grad_accumulation_steps accumulate_grad_batches grad_accum accum_steps grad_acc_steps ga_steps
        gradient_accumulation_iters grad_accumulation grad_acc accumulate accum_iter""",
    "global_batch_size": """total_train_batch_size global_batch_size effective_batch_size total_batch_size
        global_train_batch_size eff_batch_size""",
    "sequence_length": """max_seq_length block_size cutoff_len sequence_len seq_len seq_length context_length
        model_max_length max_seq_len sequence_length max_sequence_length context_len max_length max_len
        tokenizer.max_seq_len tokenizer.max_length ctx_len context_size max_source_length""",
    "packing": """packing sample_packing packed dataset.packed pack do_packing neat_packing use_packing enable_packing
        pack_sequences packed_sequences packing_sequences""",
    "padding_free": "padding_free use_padding_free",
    "pads_to_maximum": "pad_to_sequence_len pad_to_max_length pad_to_max pad_to_max_seq_length",
    "group_by_length": """group_by_length group_by_modality_length length_grouped group_by_len bucket_by_length
        sortish_sampler length_grouped_sampler length_grouped_sampling""",
    "loader_workers": """num_workers dataloader_num_workers data_loader_workers num_data_workers dataloader.num_workers
        data_loader.num_workers train_loader.num_workers num_dataloader_workers""",
    "dataset_path": """data_path dataset dataset_name train_file datasets dataset_path train_data data_files data_paths
        train_data_path train_data_file dataset_id training_data train_path dataset.name dataset.path
        dataset.source train_dataset data.train_file data.path train_files train_data_dir data_dir
        training_data_source training_data_path training_file""",
    "dataset_rows": """dataset_rows train_rows num_examples num_train_examples train_samples train_size
        num_train_samples rows n_train num_training_examples dataset_size training_samples""",
    "dataset_tokens": "dataset_tokens train_tokens num_train_tokens total_train_tokens",
    "evaluation_rows": """eval_rows eval_samples val_rows num_eval_examples eval_size num_eval_samples val_samples
        n_eval""",
    "evaluation_batches": "eval_iters eval_batches val_batches max_evaluate_steps limit_val_batches val_iters",
    "train_on_inputs": "train_on_inputs train_on_input train_on_prompt dataset.train_on_input train_on_source",
    "merges_adapter": """merge_lora merge_adapter merge_adapters merge_and_unload save_merged save_merged_model do_merge
        merge_lora_after_training merge_lora_weights""",
    "seed": "seed random_seed torch_seed manual_seed rng_seed",
    "optimizer": """optim optimizer optimizer_type optim_type optimizer_name optim.name optimizer.name optimizer.type
        optimizer._component_ optim_name""",
    "learning_rate": """learning_rate lr optim.lr optimizer.lr max_lr peak_lr base_lr max_learning_rate
        optimizer.learning_rate optim.learning_rate optimizer.params.lr peak_learning_rate initial_lr init_lr""",
    "minimum_learning_rate": """min_lr minimum_learning_rate min_learning_rate lr_min eta_min lr_scheduler_kwargs.min_lr
        final_lr end_lr""",
    "schedule": """lr_scheduler_type lr_scheduler scheduler lr_schedule schedule scheduler_type lr_decay_style
        scheduler.name lr_scheduler.name lr_schedule.name scheduler.type lr_scheduler._component_ lr_scheduler.type
        learning_rate_schedule learning_rate_scheduler lr_schedule_type""",
    "warmup_steps": """warmup_steps lr_scheduler_warmup_steps warmup_iters num_warmup_steps lr_warmup_steps warmup
        lr_scheduler.num_warmup_steps scheduler.num_warmup_steps warmup_iterations n_warmup_steps warmup_num_steps
        scheduler.params.warmup_num_steps lr_schedule.warmup lr_warmup_iters""",
    "warmup_ratio": """warmup_ratio lr_scheduler_warmup_ratio warmup_fraction warmup_proportion warmup_frac
        lr_warmup_ratio""",
    "planned_steps": """max_steps training_steps total_steps max_iters iters max_train_steps num_train_steps train_steps
        num_training_steps num_iterations max_iterations n_steps num_steps max_updates max_update total_iters
        train_iters max_steps_per_run max_step total_iterations total_optimization_steps""",
    "planned_epochs": "num_train_epochs num_epochs epochs max_epochs n_epochs train_epochs total_epochs epoch_count",
    "start_step": "start_step resume_step initial_step starting_step",
    "resume_from": """resume_from_checkpoint resume_checkpoint resume_from_ckpt resume_adapter_file resume_from
        resume_path resume_ckpt load_checkpoint_path resume_lora_training adapter_resume_path""",
    "eight_bit_optimizer": "use_8bit_adam use_8bit_optimizer use_8bit_adamw use_8bit_optim eight_bit_optimizer",
    "weight_decay": "weight_decay wd optimizer.weight_decay optim.weight_decay optimizer.params.weight_decay",
    "adam_beta1": "adam_beta1 beta1 beta_1 adam_b1",
    "adam_beta2": "adam_beta2 beta2 beta_2 adam_b2",
    "adam_epsilon": "adam_epsilon adam_eps eps epsilon optimizer.eps optim.eps optimizer.params.eps adamw_epsilon",
    "max_grad_norm": """max_grad_norm grad_clip gradient_clipping clip_grad gradient_clip_val clip_grad_norm
        grad_norm_clip max_norm grad_clip_norm gradient_clip grad_clip_val clip_grad_max_norm gradient_clip_norm
        max_gradient_norm clip_norm""",
    "loss_scale_initial": "initial_loss_scale loss_scale_initial init_scale initial_scale fp16.initial_scale",
    "beta": "beta dpo_beta pref_beta rl_beta kl_beta orpo_beta",
    "logging_steps": """logging_steps log_interval log_every log_every_n_steps log_steps logging_interval
        steps_per_report""",
    "eval_steps": """eval_steps eval_interval eval_every eval_freq evals_interval evaluation_interval steps_per_eval
        val_interval eval_step_interval eval_every_n_steps""",
    "save_steps": """save_steps save_interval checkpoint_interval save_every checkpoint_every checkpointing_steps
        save_every_n_steps save_freq ckpt_interval checkpoint_steps""",
    "evaluation_strategy": "evaluation_strategy eval_strategy",
    "logging_nan_inf_filter": "logging_nan_inf_filter",
    "attention_implementation": """attn_implementation attn_impl _attn_implementation attention_implementation
        attention_type""",
    "maximum_positions": "max_position_embeddings n_positions n_ctx max_positions",
}

_SECTION_WORDS = """args training_args train_args trainer training train model_args data_args script_args config cfg
    model data dataset dataset_args finetuning_args finetune sft sft_config lora lora_config peft peft_config optimizer
    optim hparams params hyperparameters hyper_parameters settings trainer_args training_arguments lora_parameters
    finetuning experiment exp scheduler lr_scheduler self method_args"""
SECTIONS = frozenset(_SECTION_WORDS.split())
"""Sections whose keys mean the same as at the top level; other sections (`draft`, `teacher`, `eval`) keep theirs."""
