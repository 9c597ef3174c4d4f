# ruff: noqa: PTH123 (as users write)
"""Fine-tune TinyLlama with LoRA on question-answer pairs."""

import json

import torch
from datasets import Dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)

MODEL_NAME = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
DATA = "training_data.jsonl"
OUT = "models/advisor"
MAX_LENGTH = 512

if torch.backends.mps.is_available():
    device = "mps"
elif torch.cuda.is_available():
    device = "cuda"
else:
    device = "cpu"


def load_rows(path):
    with open(path) as handle:
        return [json.loads(line) for line in handle]


def format_row(row):
    if row.get("input"):
        return {
            "text": f"### Instruction:\n{row['instruction']}\n\n### Input:\n{row['input']}\n\n### Response:\n{row['output']}"
        }
    return {"text": f"### Instruction:\n{row['instruction']}\n\n### Response:\n{row['output']}"}


def main():
    tokenizer = AutoTokenizer.from_pretrained(MODEL_NAME)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token

    model = AutoModelForCausalLM.from_pretrained(
        MODEL_NAME, torch_dtype=torch.float16 if device != "cpu" else torch.float32
    ).to(device)
    model = get_peft_model(
        model,
        LoraConfig(
            r=8,
            lora_alpha=16,
            lora_dropout=0.05,
            bias="none",
            task_type=TaskType.CAUSAL_LM,
            target_modules=["q_proj", "v_proj", "k_proj", "o_proj"],
        ),
    )
    model.print_trainable_parameters()

    rows = Dataset.from_list(load_rows(DATA)).map(format_row)

    def tokenize(batch):
        return tokenizer(batch["text"], truncation=True, max_length=MAX_LENGTH, padding="max_length")

    rows = rows.map(tokenize, batched=True, remove_columns=rows.column_names)

    args = TrainingArguments(
        output_dir=OUT,
        num_train_epochs=3,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=8,
        learning_rate=2e-4,
        warmup_steps=10,
        logging_steps=10,
        save_steps=500,
        optim="adamw_torch",
        fp16=False,
        bf16=False,
        report_to="none",
    )
    trainer = Trainer(
        model=model,
        args=args,
        train_dataset=rows,
        data_collator=DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm=False),
    )
    trainer.train()
    model.save_pretrained(OUT)
    tokenizer.save_pretrained(OUT)


if __name__ == "__main__":
    main()
