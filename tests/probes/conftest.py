"""A healthy run to build faults into: a tiny pretrained llama with an adapter, or gpt2, or all weights."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from tests.fixes.conftest import world  # noqa: F401 - a fixture
from tests.fixes.tiny import pairs


@pytest.fixture(autouse=True)
def one_thread(world):  # noqa: F811, ARG001 - it skips where the training stack is missing
    """Two workers share two cores; the models are too small for more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def healthy(world):  # noqa: F811
    """Make a run in which nothing is wrong."""

    def made(*, architecture="llama", full=False, autocast=None, dtype="float32", dropout=0.05, **settings):
        import peft
        import torch
        import transformers

        from trainclinic.probes.live import Live

        folder = getattr(world, architecture)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)

        def base():
            return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))

        torch.manual_seed(1)
        model = base()
        if not full:
            adapter = peft.LoraConfig(
                r=8, lora_alpha=16, lora_dropout=dropout, task_type="CAUSAL_LM", target_modules="all-linear",
                fan_in_fan_out=architecture == "gpt2",
            )  # fmt: skip
            model = peft.get_peft_model(model, adapter, autocast_adapter_dtype=dtype == "float32")
        rows = rows_of(tokenizer)
        collate = collator(pad=0)
        known = {
            "rows": tuple(rows),
            "collate": collate,
            "pad_id": 0,
            "answers_only": True,
            "pretrained": True,
            "accumulation": 8,
            "autocast": (lambda: torch.autocast("cpu", dtype=getattr(torch, autocast))) if autocast else nullcontext,
            "save": model.save_pretrained,
            "load": (lambda path: type(model).from_pretrained(path))
            if full
            else (lambda path: peft.PeftModel.from_pretrained(base(), path, autocast_adapter_dtype=dtype == "float32")),
        }
        return Live.of(model, [collate(rows[:4]), collate(rows[4:])], tokenizer=tokenizer, **{**known, **settings})

    return made


def rows_of(tokenizer, count=8):
    """Prompts with answers, of which only the answer and the end token carry a loss."""
    rows = []
    for at, (question, answer) in enumerate(pairs(64)[:: 64 // count][:count]):
        begin = [tokenizer.bos_token_id] if tokenizer.bos_token_id != tokenizer.eos_token_id else []
        prompt = begin + tokenizer(f"{question}\n" + "The moon. " * (at % 3))["input_ids"]
        target = [*tokenizer(" ".join([answer] * (1 + at % 4)))["input_ids"], tokenizer.eos_token_id]
        rows.append({"input_ids": prompt + target, "labels": [-100] * len(prompt) + target})
    return rows


def collator(pad):
    """A collator that pads on the right and masks what it adds, by its place."""

    def collate(rows):
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        fill = [longest - len(row["input_ids"]) for row in rows]
        return {
            "input_ids": torch.tensor([[*row["input_ids"], *[pad] * n] for row, n in zip(rows, fill, strict=True)]),
            "attention_mask": torch.tensor(
                [[1] * len(row["input_ids"]) + [0] * n for row, n in zip(rows, fill, strict=True)]
            ),
            "labels": torch.tensor([[*row["labels"], *[-100] * n] for row, n in zip(rows, fill, strict=True)]),
        }

    return collate
