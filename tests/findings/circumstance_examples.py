"""Files of runs in which a circumstance is present, absent, or cannot be told: code -> verdict -> examples.

Each example is one run: file name -> text. `ROWS` is a log that says nothing but its losses.
"""

from __future__ import annotations

from trainclinic.findings.circumstances import all_circumstances

Example = dict[str, str]


def log(*lines: str, rows: int = 6) -> Example:
    """A printed log: the given lines, then rows of losses."""
    losses = [f"step {10 * n} loss {2.5 - 0.1 * n:.4f}" for n in range(1, rows + 1)]
    return {"train.log": "\n".join([*lines, *losses]) + "\n"}


def trainer(rows: int = 5, *, per_epoch: float = 10.0, extra: str = "") -> Example:
    """A printed log of a Hugging Face Trainer; `per_epoch` rows make a pass."""
    lines = [
        f"{{'loss': {2.5 - 0.1 * n:.4f}, 'grad_norm': 1.{n}, 'learning_rate': {2e-5 * (1 - n / 100):.6e}, "
        f"'epoch': {n / per_epoch:.2f}}}"
        for n in range(1, rows + 1)
    ]
    return {"train.log": "\n".join(lines) + "\n" + extra}


def dump(**settings: str) -> Example:
    """The arguments of a run as JSON; values are JSON texts."""
    body = ",\n".join(f'  "{name}": {value}' for name, value in {"learning_rate": "2e-05", **settings}.items())
    return {"training_args.json": "{\n" + body + ',\n  "num_train_epochs": 1\n}\n'}


def yaml(*lines: str) -> Example:
    """A configuration in YAML."""
    return {"train.yaml": "\n".join(["learning_rate: 2.0e-05", "warmup_steps: 10", *lines]) + "\n"}


def machine(*lines: str) -> Example:
    """A description of the machine beside a log."""
    return log() | {"environment.txt": "\n".join(lines) + "\n"}


def shell(command: str) -> Example:
    """A launch script beside a log."""
    return log() | {"run.sh": command + "\n"}


def answers(*labels: str) -> Example:
    """Generated texts with labels."""
    rows = [f'{{"prompt": "Say it.", "output": "It is said.", "model": "{label}"}}' for label in labels]
    return log() | {"generations.jsonl": "\n".join(rows) + "\n"}


def ranked(lines: int = 5) -> Example:
    """A log of preference training."""
    rows = [
        f"{{'loss': {0.69 - 0.02 * n:.4f}, 'rewards/chosen': 0.{n}, 'rewards/rejected': -0.{n}, "
        f"'rewards/margins': {0.2 * n:.2f}, 'rewards/accuracies': 0.6, 'epoch': 0.{n}}}"
        for n in range(1, lines + 1)
    ]
    return {"train.log": "\n".join(rows) + "\n"}


def sampled(lines: int = 5) -> Example:
    """A log of policy training."""
    rows = [
        f"{{'loss': 0.000{n}, 'reward': 0.{n}, 'reward_std': 0.3, 'completion_length': 1{n}0.5, 'kl': 0.00{n}, "
        f"'epoch': 0.{n}}}"
        for n in range(1, lines + 1)
    ]
    return {"train.log": "\n".join(rows) + "\n"}


def losses(steps: range, first: float = 2.5) -> str:
    """Rows of a log with steps."""
    return "".join(f"step {step} loss {first - 0.001 * step:.4f}\n" for step in steps)


def evaluated(last: int) -> Example:
    """Training rows to step 400, evaluations every 40 steps up to `last`."""
    rows = [f'{{"step": {step}, "loss": {2.5 - step / 1000:.4f}}}' for step in range(10, 401, 10)]
    rows += [f'{{"step": {step}, "eval_loss": {2.6 - step / 1000:.4f}}}' for step in range(40, last + 1, 40)]
    return {"metrics.jsonl": "\n".join(rows) + "\n"}


def evaluated_slowly() -> Example:
    """Rows every 10 steps, evaluations every 50 that take as long as a hundred steps."""
    clock, rows = 0.0, []
    for step in range(10, 401, 10):
        clock += 55.0 if step % 50 == 0 else 5.0
        rows.append(f'{{"step": {step}, "loss": {2.5 - step / 1000:.4f}, "elapsed_s": {clock}}}')
        if step % 50 == 0:
            rows.append(f'{{"step": {step}, "eval_loss": {2.6 - step / 1000:.4f}, "elapsed_s": {clock}}}')
    return {"metrics.jsonl": "\n".join(rows) + "\n"}


def paced(slow: range, **settings: str) -> Example:
    """Rows every 10 steps to step 1,000 of which those at `slow` took ten times as long, with the run's settings."""
    clock, rows = 0.0, []
    for step in range(10, 1001, 10):
        clock += 50.0 if step in slow else 5.0
        rows.append(f'{{"step": {step}, "loss": {2.5 - step / 2000:.4f}, "elapsed_s": {clock}}}')
    return {"metrics.jsonl": "\n".join(rows) + "\n"} | dump(**settings)


def rates(shape: str) -> Example:
    """A log whose learning rate decays at the end only, or all along."""
    rows = []
    for step in range(10, 1001, 10):
        level = 1.0 - step / 1000 if shape == "linear" else min(1.0, (1000 - step) / 200)
        rows.append(f'{{"step": {step}, "loss": {2.5 - step / 2000:.4f}, "learning_rate": {3e-4 * level:.8e}}}')
    return {"metrics.jsonl": "\n".join(rows) + "\n"}


def installed(*pins: str, **settings: str) -> Example:
    """A log with pinned versions and arguments."""
    return log() | dump(**settings) | {"requirements.txt": "\n".join(pins) + "\n"}


ROWS = log()
NANOGPT = {
    "config.py": "block_size = 256\nmax_iters = 500\nn_embd = 64\nn_layer = 4\nlearning_rate = 6e-4\n"
    "decay_lr = False\neval_iters = 20\n"
}
SCALED = log("[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768")
BANNER = "O^O/ \\_/ \\    Bfloat16 = {}. FA [Xformers = 0.0.29. FA2 = False]"
TOKENS = '{{"pad_token": "{}", "eos_token": "</s>"}}\n'

CROPS = {
    "config.py": NANOGPT["config.py"] + "batch_size = 12\n",
    "train.log": "".join(
        f"step {n}: train loss {4 - n / 1000:.4f}, val loss {4.1 - n / 1000:.4f}\n" for n in range(0, 2001, 250)
    ),
}
"""A loop that crops batches from one text estimates both losses together, and counts no epochs."""

PASSES = {
    "metrics.jsonl": "".join(
        f'{{"step": {step}, "loss": {2.5 - step / 2000:.4f}, "epoch": {step / 500:.2f}}}\n'
        for step in range(10, 1001, 10)
    )
}
"""Rows that count steps and epochs."""

PRESENT: dict[str, list[Example]] = {
    "CIR901": [
        dump(fp16="true"),
        SCALED,
        yaml("torch_dtype: float16"),
        yaml("load_in_4bit: true", "bnb_4bit_compute_dtype: float16"),
        shell("python train.py --mixed_precision fp16"),
    ],
    "CIR902": [dump(bf16="true"), yaml("precision: bf16-true"), shell("bash launch.sh 8 1e-5 SEQ_LEN=512 bf16")],
    "CIR903": [yaml("precision: bf16-true"), yaml("finetuning_type: full", "torch_dtype: bfloat16", "bf16: true")],
    "CIR904": [
        machine("Apple M2 Max, torch 2.3.1"),
        machine("Mac Studio M2 Ultra, torch 2.4.0"),
        log("using device: mps"),
        shell("mlx_lm.lora --model a/b --train"),
    ],
    "CIR905": [machine("GPU: Tesla T4"), machine("4x V100 32GB"), log(BANNER.format("FALSE"))],
    "CIR906": [
        shell("torchrun --nproc_per_node 4 train.py"),
        shell("accelerate launch --multi_gpu train.py"),
        machine("8 x NVIDIA A100 80GB"),
        shell("TP=2 SEQ_LEN=512 LR=1e-5 bash pretrain.sh"),
        yaml("per_device_train_batch_size: 2", "gradient_accumulation_steps: 4", "total_train_batch_size: 64"),
    ],
    "CIR907": [
        ROWS | {"ds_config.json": '{"zero_optimization": {"stage": 2}}\n'},
        dump(fsdp='"full_shard auto_wrap"'),
        yaml("strategy: deepspeed_stage_3"),
    ],
    "CIR908": [
        yaml("lora_r: 8"),
        log("trainable params: 4,194,304 || all params: 6,742,609,920 || trainable%: 0.0622"),
        shell("mlx_lm.lora --model a/b --train --iters 100"),
    ],
    "CIR909": [yaml("load_in_4bit: true", "adapter: lora"), yaml("base_model: maker/small-7b-bnb-4bit")],
    "CIR910": [yaml("load_in_8bit: true", "adapter: lora"), shell("python finetune.py --load_in_8bit --lr 1e-4")],
    "CIR911": [dump(optim='"paged_adamw_8bit"'), shell("python train.py --use_8bit_adam --learning_rate 1e-5")],
    "CIR912": [
        dump(gradient_accumulation_steps="8"),
        yaml("micro_batch_size: 2", "world_size: 1", "total_train_batch_size: 8"),
    ],
    "CIR913": [
        yaml("sample_packing: true"),
        yaml("padding_free: true"),
        log("UserWarning: Padding-free training is enabled, but the attention implementation is not supported"),
        yaml("stage: pt", "cutoff_len: 1024", "dataset_dir: data", "dataset: wiki"),
    ],
    "CIR914": [
        dump(use_liger_kernel="true"),
        yaml("liger_fused_linear_cross_entropy: true"),
        log("==((====))==  Unsloth 2025.1.5: Fast Llama patching."),
    ],
    "CIR915": [dump(torch_compile="true"), log("W0101 torch._dynamo hit config.cache_size_limit (8)")],
    "CIR916": [
        dump(gradient_checkpointing="true"),
        yaml("use_gradient_checkpointing: unsloth"),
        yaml("finetuning_type: lora", "cutoff_len: 1024", "dataset_dir: data"),
    ],
    "CIR917": [
        yaml("sequence_parallel_degree: 2"),
        shell("CP=4 SEQ_LEN=512 LR=1e-5 bash pretrain.sh"),
        shell("TP=2 SP=true SEQ_LEN=512 LR=1e-5 bash pretrain.sh"),
    ],
    "CIR918": [
        log("Resuming training from out/checkpoint-400"),
        dump(resume_from_checkpoint='"out/checkpoint-400"'),
        {"train.log": losses(range(10, 401, 10)) + losses(range(310, 501, 10), 2.52)},
        {"train.log": losses(range(2400, 2800, 10), 5.0)},
    ],
    "CIR919": [ranked(), yaml("rl: dpo"), shell("swift rlhf --rlhf_type kto --learning_rate 1e-6")],
    "CIR920": [sampled(), yaml("trainer: GRPOTrainer")],
    "CIR921": [
        yaml("train_on_inputs: false"),
        shell("mlx_lm.lora --model a/b --train --mask-prompt"),
        log("UserWarning: Could not find response key `### Answer:` in the following instance: ### Question"),
        yaml("stage: sft", "finetuning_type: lora", "cutoff_len: 1024"),
    ],
    "CIR922": [trainer(30), yaml("num_epochs: 3")],
    "CIR923": [
        yaml("model:", "  pretrained: false"),
        {"config.py": NANOGPT["config.py"] + "init_from = 'scratch'\n"},
        shell("python run_clm.py --model_type gpt2 --config_overrides n_layer=4 --learning_rate 1e-4"),
    ],
    "CIR924": [dump(group_by_length="true"), shell("python train.py --group_by_modality_length True --lr 1e-5")],
    "CIR925": [
        yaml("dataset: books,web,code"),
        yaml("datasets:", "  - path: one.jsonl", "  - path: two.jsonl"),
        shell("python train.py --data_paths a.json b.json --learning_rate 1e-5"),
    ],
    "CIR926": [{**ROWS, "config.json": '{"model_type": "llama", "tie_word_embeddings": true}\n'}, yaml("model: gpt2")],
    "CIR927": [yaml("lora_r: 8", "modules_to_save: [embed_tokens, lm_head]")],
    "CIR928": [yaml("base_model: meta-llama/Meta-Llama-3-8B", "chat_template: chatml")],
    "CIR929": [ROWS | {"tokenizer_config.json": TOKENS.format("</s>")}],
    "CIR930": [
        dump(attn_implementation='"flash_attention_2"'),
        yaml("flash_attn: fa2"),
        log("ValueError: this may lead to unexpected behaviour for Flash Attention version of Mistral."),
    ],
    "CIR931": [
        yaml("model: google/gemma-2-2b"),
        {**ROWS, "config.json": '{"model_type": "x", "torch_dtype": "bfloat16"}'},
    ],
    "CIR932": [
        dump(per_device_train_batch_size="1", gradient_accumulation_steps="2"),
        shell("mlx_lm.lora --model a/b --train --batch-size 2"),
    ],
    "CIR933": [yaml("sequence_len: 8192"), shell("SEQ_LEN=4096 bash pretrain.sh")],
    "CIR934": [
        yaml("tokens:", '  - "<|note|>"', '  - "<|end_note|>"'),
        yaml("new_special_tokens: <a>,<b>"),
        log("Resizing the token embeddings from 32000 to 32016: resized embedding"),
    ],
    "CIR935": [machine("GPU: AMD Instinct MI300X"), machine("ROCm 6.2, torch 2.4.0+rocm6.1")],
    "CIR936": [trainer(), yaml("base_model: a/b", "sequence_len: 512", "datasets: x") | trainer()],
    "CIR937": [yaml("lr_scheduler_type: warmup_stable_decay"), yaml("stable_until: 800"), rates("wsd")],
    "CIR938": [
        answers("before merge", "merged"),
        shell("python convert.py merged --outtype f16 --outfile m.gguf"),
        dump(merge_lora="true"),
        yaml("base_model: out/merged-7b"),
    ],
    "CIR939": [dump(dataloader_num_workers="0"), yaml("num_workers: 0")],
    "CIR940": [
        yaml("pad_to_sequence_len: false"),
        machine("Apple M2, variable-length batches"),
        dump(group_by_length="true"),
    ],
    "CIR941": [machine("GPU: Tesla P100-PCIE-16GB"), machine("GPU: Tesla V100-SXM2-16GB")],
    "CIR942": [evaluated(400)],
    "CIR945": [CROPS],
    "CIR943": [ROWS | {"generations.jsonl": '{"prompt": "Where?", "output": "Here."}\n'}],
    "CIR944": [
        paced(range(200, 1001, 200), save_steps="200"),
        paced(range(210, 1001, 200), save_steps="200", eval_steps="75"),
        paced(range(150, 1001, 150), save_steps="500", eval_steps="150"),
        evaluated_slowly(),
    ],
    "CIR946": [yaml("load_in_8bit: true"), dump(optim='"adamw_bnb_8bit"')],
    "CIR947": [log("UserWarning: cuDNN SDPA backward got grad_output.strides() != output.strides()")],
    "CIR951": [
        installed("transformers==4.48.0", gradient_accumulation_steps="4"),
        installed("transformers==4.46.1", gradient_accumulation_steps="4"),
        installed("transformers==4.40.2", gradient_accumulation_steps="4"),
    ],
    "CIR952": [
        installed("transformers==4.42.1", model_name_or_path='"google/gemma-2-9b"'),
        installed("transformers==5.9.0", model_name_or_path='"junnyu/roformer_chinese_base"'),
    ],
    "CIR953": [
        installed("transformers==4.20.1", label_smoothing_factor="0.1"),
        installed("transformers==4.35.0", label_smoothing_factor="0.1", lora_r="8"),
    ],
    "CIR954": [
        installed("torch==2.5.0", attn_implementation='"sdpa"'),
        installed("torch==2.1.2+cu118", attn_implementation='"sdpa"'),
        installed("torch==2.12.1", attn_implementation='"sdpa"'),
    ],
    "CIR955": [installed("torch==2.3.0", attn_implementation='"sdpa"')],
    "CIR956": [machine("Apple M2 Max, torch 2.3.1")],
    "CIR957": [installed("bitsandbytes==0.37.0", optim='"adamw_8bit"')],
    "CIR958": [installed("peft==0.10.0", lora_r="8", torch_dtype='"float16"')],
    "CIR959": [
        log() | {"requirements.txt": "deepspeed==0.14.0\n", "ds_config.json": '{"zero_optimization": {"stage": 2}}\n'},
    ],
}

ABSENT: dict[str, list[Example]] = {
    "CIR901": [dump(bf16="true"), dump(fp16="false", torch_dtype='"float32"'), yaml("torch_dtype: bfloat16")],
    "CIR902": [dump(fp16="true"), dump(bf16="false", torch_dtype='"float32"')],
    "CIR903": [
        yaml("torch_dtype: float32"),
        yaml("torch_dtype: bfloat16", "deepspeed: ds_z2_config.json"),
        dump(fp16="true"),
    ],
    "CIR904": [machine("GPU: NVIDIA A100-SXM4-80GB"), log("using device: cuda"), yaml("deepspeed: zero3.json")],
    "CIR905": [
        machine("NVIDIA GeForce RTX 4090"),
        machine("8x H100 80GB"),
        dump(tf32="true"),
        machine("Apple M1"),
        log(BANNER.format("TRUE")),
    ],
    "CIR906": [
        shell("torchrun --nproc_per_node 1 train.py"),
        log("using device: mps"),
        yaml("per_device_train_batch_size: 2", "gradient_accumulation_steps: 4", "total_train_batch_size: 8"),
    ],
    "CIR907": [
        dump(fsdp="[]"),
        ROWS | {"ds_config.json": '{"zero_optimization": {"stage": 0}}\n'},
        shell("torchrun --nproc_per_node 1 train.py"),
    ],
    "CIR908": [yaml("finetuning_type: full"), log("trainable params: 1,000,000 || all params: 1,000,000")],
    "CIR909": [yaml("load_in_8bit: true"), dump(load_in_4bit="false"), yaml("finetuning_type: full")],
    "CIR910": [
        yaml("load_in_4bit: true"),
        dump(load_in_8bit="false"),
        yaml("adapter: qlora"),
        yaml("torch_dtype: bfloat16", "lora_r: 8"),
    ],
    "CIR911": [dump(optim='"adamw_torch"'), dump(use_8bit_adam="false")],
    "CIR912": [dump(gradient_accumulation_steps="1")],
    "CIR913": [yaml("packing: false")],
    "CIR914": [dump(use_liger_kernel="false"), log("using device: mps")],
    "CIR915": [dump(torch_compile="false")],
    "CIR916": [dump(gradient_checkpointing="false"), yaml("disable_gradient_checkpointing: true")],
    "CIR917": [yaml("sequence_parallel_size: 1"), shell("torchrun --nproc_per_node 1 train.py")],
    "CIR918": [{"train.log": losses(range(10, 401, 10))}],
    "CIR919": [yaml("stage: sft"), sampled(), NANOGPT | ROWS],
    "CIR920": [yaml("stage: sft"), ranked()],
    "CIR921": [yaml("train_on_inputs: true"), yaml("stage: pt"), NANOGPT | ROWS],
    "CIR922": [trainer(5), dump(), trainer(5) | yaml("num_epochs: 3")],
    "CIR923": [yaml("lora_r: 8"), yaml("base_model: mistralai/Mistral-7B-v0.1")],
    "CIR924": [dump(group_by_length="false")],
    "CIR925": [yaml("dataset: openwebtext")],
    "CIR926": [
        {**ROWS, "config.json": '{"model_type": "llama", "tie_word_embeddings": false}\n'},
        yaml("model: a/llama-2-7b"),
    ],
    "CIR927": [
        yaml("lora_r: 8", "modules_to_save: [classifier]"),
        ROWS | {"adapter_config.json": '{"peft_type": "LORA", "r": 8, "modules_to_save": null}\n'},
        yaml("finetuning_type: full"),
    ],
    "CIR928": [
        yaml("base_model: meta-llama/Meta-Llama-3-8B-Instruct", "chat_template: llama3"),
        yaml("base_model: meta-llama/Meta-Llama-3-8B", "template: alpaca"),
    ],
    "CIR929": [ROWS | {"tokenizer_config.json": TOKENS.format("<pad>")}],
    "CIR930": [dump(attn_implementation='"sdpa"'), yaml("flash_attn: disabled"), log("using device: mps")],
    "CIR931": [yaml("model: gpt2"), {**ROWS, "config.json": '{"model_type": "gemma", "torch_dtype": "float32"}'}],
    "CIR932": [dump(per_device_train_batch_size="8"), yaml("micro_batch_size: 1", "gradient_accumulation_steps: 16")],
    "CIR933": [yaml("max_seq_length: 512")],
    "CIR934": [dump(new_special_tokens="[]")],
    "CIR935": [machine("GPU: Tesla T4"), machine("torch 2.4.0+cu121"), log("using device: mps")],
    "CIR936": [ROWS, NANOGPT | ROWS],
    "CIR937": [yaml("lr_scheduler_type: cosine"), rates("linear")],
    "CIR938": [dump(merge_lora="false")],
    "CIR939": [dump(dataloader_num_workers="4")],
    "CIR940": [yaml("pad_to_sequence_len: true"), yaml("sample_packing: true"), NANOGPT | ROWS],
    "CIR941": [machine("GPU: Tesla T4"), machine("GPU: NVIDIA A100-SXM4-80GB"), log("using device: mps")],
    "CIR942": [log(rows=12), evaluated(160)],
    "CIR943": [ROWS],
    "CIR945": [PASSES],
    "CIR944": [
        paced(range(200, 1001, 200), save_steps="500"),
        paced(range(200, 1001, 200), save_steps="50"),
        paced(range(250, 1001, 250), save_steps="500", eval_steps="100"),
    ],
    "CIR946": [dump(optim='"adamw_torch"', load_in_8bit="false"), yaml("finetuning_type: full", "optim: adamw_torch")],
    "CIR947": [dump(attn_implementation='"eager"'), yaml("flash_attn: fa2")],
    "CIR951": [
        installed("transformers==4.52.0", gradient_accumulation_steps="4"),
        installed("transformers==4.48.0", gradient_accumulation_steps="1"),
    ],
    "CIR952": [
        installed("transformers==4.42.4", model_name_or_path='"google/gemma-2-9b"'),
        installed("transformers==4.42.1", model_name_or_path='"mistralai/Mistral-7B-v0.1"'),
    ],
    "CIR953": [
        installed("transformers==4.40.2", label_smoothing_factor="0.1"),
        installed("transformers==4.20.1", label_smoothing_factor="0.0"),
    ],
    "CIR954": [
        installed("torch==2.5.1", attn_implementation='"sdpa"'),
        installed("torch==2.5.0", attn_implementation='"eager"'),
    ],
    "CIR955": [installed("torch==2.6.0")],
    "CIR956": [machine("Apple M2 Max, torch 2.9.1"), machine("GPU: Tesla T4, torch 2.3.1")],
    "CIR957": [installed("bitsandbytes==0.43.0"), installed("bitsandbytes==0.37.0", optim='"adamw_torch"')],
    "CIR958": [installed("peft==0.11.0"), installed("peft==0.10.0", lora_r="8", torch_dtype='"bfloat16"')],
    "CIR959": [
        log() | {"requirements.txt": "deepspeed==0.14.0\n", "ds_config.json": '{"zero_optimization": {"stage": 3}}\n'},
        log() | {"requirements.txt": "deepspeed==0.12.3\n"},
    ],
}

NEARLY: dict[str, list[Example]] = {
    "CIR901": [dump(fp16="false", bf16="false")],
    "CIR903": [yaml("lora_r: 8", "torch_dtype: bfloat16"), yaml("torch_dtype: bfloat16", "fsdp: full_shard")],
    "CIR904": [{**machine("Apple M2"), **log("device: cpu")}],
    "CIR907": [yaml("deepspeed: my_config.json")],
    "CIR909": [yaml("lora_r: 8")],
    "CIR913": [yaml("base_model: a/b", "finetuning_type: lora", "cutoff_len: 1024")],
    "CIR919": [trainer()],
    "CIR920": [trainer()],
    "CIR922": [yaml("num_epochs: 3", "max_steps: 200")],
    "CIR921": [yaml("base_model: a/b", "finetuning_type: lora", "cutoff_len: 1024")],
    "CIR925": [yaml("dataset: mine.jsonl"), yaml("data_path: /data/final files/all.json")],
    "CIR928": [yaml("base_model: out/stage-one", "chat_template: chatml")],
    "CIR932": [yaml("micro_batch_size: 2")],
    "CIR934": [dump(vocab_size="32000", tokens="3000000")],
    "CIR936": [{"metrics.jsonl": '{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.9}\n'}],
    "CIR938": [{"corpus_merged_50257.log": ROWS["train.log"]}],
    "CIR942": [log(rows=6), log("eval_steps: 500", rows=20)],
    "CIR944": [
        paced(range(200, 1001, 200)),
        paced(range(200, 1001, 200), eval_steps="300"),
        paced(range(0), save_steps="200"),
        evaluated(400),
    ],
    "CIR951": [installed("transformers==4.48.0"), installed("transformers>=4.40", gradient_accumulation_steps="4")],
    "CIR953": [installed("transformers==4.35.0", label_smoothing_factor="0.1")],
    "CIR954": [installed("torch==2.5.0"), installed("torchvision==0.15.0", attn_implementation='"sdpa"')],
    "CIR957": [installed("bitsandbytes==0.37.0")],
    "CIR958": [installed("peft==0.10.0", lora_r="8")],
}
"""Runs that come close to an answer and do not have it; `SILENT` is tried with every other code."""

SILENT: dict[str, Example] = dict.fromkeys(all_circumstances(), ROWS)
SILENT |= {code: yaml() for code in ("CIR918", "CIR936", "CIR942", "CIR943")}
