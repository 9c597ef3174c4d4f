# ruff: noqa: EM101, PTH123, TRY003 (as users write)
"""Fine-tune TinyLlama with LoRA: float32 weights, its own chat template, an end that is trained, padding that is not."""

import json
import math

import torch
from datasets import Dataset
from peft import LoraConfig, TaskType, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

MODEL_NAME = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"
DATA = "training_data.jsonl"
OUT = "models/advisor"
MAX_LENGTH = 512


class SafeTrainer(Trainer):
    """Stops when the loss or a gradient is no number."""

    def training_step(self, model, inputs, num_items_in_batch=None):
        loss = super().training_step(model, inputs, num_items_in_batch)
        if not torch.isfinite(loss):
            raise ValueError("the loss is not finite")
        return loss

    def log(self, logs, start_time=None):
        if math.isnan(logs.get("grad_norm", 0.0)):
            raise ValueError("the gradient is not finite")
        super().log(logs, start_time)


def load_rows(path):
    with open(path) as handle:
        return [json.loads(line) for line in handle]


def main():
    tokenizer = AutoTokenizer.from_pretrained(MODEL_NAME)
    tokenizer.pad_token = tokenizer.unk_token

    model = AutoModelForCausalLM.from_pretrained(MODEL_NAME, torch_dtype=torch.float32)
    config = LoraConfig(
        r=8,
        lora_alpha=16,
        lora_dropout=0.05,
        bias="none",
        task_type=TaskType.CAUSAL_LM,
        target_modules=["q_proj", "v_proj", "k_proj", "o_proj"],
    )
    model = get_peft_model(model, config)

    def encode(row):
        prompt = f"### Instruction:\n{row['instruction']}\n\n### Response:\n"
        before = tokenizer(prompt)["input_ids"]
        answer = tokenizer(row["output"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        ids = before + answer
        return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [-100] * len(before) + answer}

    rows = Dataset.from_list(load_rows(DATA))
    rows = rows.map(encode, remove_columns=rows.column_names)
    rows = rows.filter(lambda row: len(row["input_ids"]) <= MAX_LENGTH)
    parts = rows.train_test_split(test_size=0.05, seed=7)

    args = TrainingArguments(
        output_dir=OUT,
        num_train_epochs=3,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=8,
        learning_rate=2e-4,
        warmup_steps=10,
        max_grad_norm=1.0,
        logging_steps=10,
        save_strategy="epoch",
        seed=7,
        report_to="none",
    )
    trainer = SafeTrainer(
        model=model,
        args=args,
        train_dataset=parts["train"],
        eval_dataset=parts["test"],
        data_collator=DataCollatorForSeq2Seq(tokenizer, padding=True),
    )
    trainer.train()
    model.save_pretrained(OUT)
    tokenizer.save_pretrained(OUT)


if __name__ == "__main__":
    main()
