# ruff: noqa: EM101, PTH123, TRY003 (as users write)
"""Fine-tune TinyLlama with LoRA on the CPU, with checks against broken gradients."""

import json
import math

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


class SafeTrainer(Trainer):
    """Stops when the loss or a gradient is no number."""

    def training_step(self, model, inputs):
        loss = super().training_step(model, inputs)
        if torch.isnan(loss) or torch.isinf(loss):
            raise ValueError("the loss is not finite")
        return loss

    def log(self, logs):
        if math.isnan(logs.get("grad_norm", 0.0)):
            raise ValueError("the gradient is not finite")
        super().log(logs)


def load_rows(path):
    with open(path) as handle:
        return [json.loads(line) for line in handle]


def format_row(row):
    return {"text": f"<|user|>\n{row['instruction']}\n<|assistant|>\n{row['output']}<|endoftext|>"}


def main():
    tokenizer = AutoTokenizer.from_pretrained(MODEL_NAME)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"

    model = AutoModelForCausalLM.from_pretrained(MODEL_NAME, torch_dtype=torch.float32)
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,
        bias="none",
        task_type=TaskType.CAUSAL_LM,
        target_modules=["q_proj", "v_proj", "k_proj", "o_proj"],
    )
    model = get_peft_model(model, config)

    rows = Dataset.from_list(load_rows(DATA)).map(format_row)

    def tokenize(batch):
        encoded = tokenizer(batch["text"], truncation=True, max_length=512, padding="max_length")
        encoded["labels"] = encoded["input_ids"].copy()
        return encoded

    rows = rows.map(tokenize, batched=True, remove_columns=rows.column_names)

    args = TrainingArguments(
        output_dir=OUT,
        num_train_epochs=3,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=8,
        learning_rate=2e-5,
        warmup_steps=100,
        max_grad_norm=1.0,
        logging_steps=10,
        save_steps=500,
        optim="adamw_torch",
        use_cpu=True,
        report_to="none",
    )
    trainer = SafeTrainer(
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
