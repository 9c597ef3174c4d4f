# ruff: noqa: PTH123 (as users write)
"""The text as one row of tokens, and random windows of it."""

import torch
from transformers import GPT2TokenizerFast


def read_parts(path):
    tokenizer = GPT2TokenizerFast.from_pretrained("gpt2")
    with open(path, encoding="utf-8") as handle:
        tokens = torch.tensor(tokenizer.encode(handle.read()), dtype=torch.long)
    cut = int(0.9 * len(tokens))
    return {"train": tokens[:cut], "val": tokens[cut:]}


def batches_of(parts, split, batch_size, block_size, device):
    tokens = parts[split]
    starts = torch.randint(len(tokens) - block_size - 1, (batch_size,))
    x = torch.stack([tokens[i : i + block_size] for i in starts])
    y = torch.stack([tokens[i + 1 : i + block_size + 1] for i in starts])
    return x.to(device), y.to(device)
