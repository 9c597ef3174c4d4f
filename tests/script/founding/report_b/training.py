"""Fine-tune GPT-2 with LoRA on a text file, with a loop of its own."""

import math
import os
import time

import torch
from data import batches_of, read_parts
from wrapper import WrappedGPT2

batch_size = int(os.environ.get("BATCH_SIZE", 8))
block_size = int(os.environ.get("BLOCK_SIZE", 256))
max_steps = int(os.environ.get("TRAINING_STEPS", 5000))
learning_rate = float(os.environ.get("LEARNING_RATE", 2e-5))
warmup_steps = 500
eval_interval = 500

device = "mps" if torch.backends.mps.is_available() else "cpu"
torch.manual_seed(1337)
parts = read_parts("letters.txt")


def rate_at(step):
    if step < warmup_steps:
        return learning_rate * (0.1 + 0.9 * step / warmup_steps)
    share = (step - warmup_steps) / (max_steps - warmup_steps)
    return learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * share)))


@torch.no_grad()
def estimate_loss(model):
    model.eval()
    found = {}
    for split in ("train", "val"):
        losses = torch.zeros(50)
        for at in range(50):
            xb, yb = batches_of(parts, split, batch_size, block_size, device)
            _, loss = model(xb, yb)
            losses[at] = loss.item()
        found[split] = losses.mean()
    model.train()
    return found


def main():
    model = WrappedGPT2("gpt2", rank=16, alpha=32).to(device)
    optimizer = torch.optim.AdamW(model.trainable(), lr=learning_rate)
    began = time.time()
    model.train()
    for step in range(max_steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step)
        if step % eval_interval == 0:
            losses = estimate_loss(model)
            print(
                f"step {step}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}, {time.time() - began:.1f}s"
            )
        xb, yb = batches_of(parts, "train", batch_size, block_size, device)
        _, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.trainable(), 1.0)
        optimizer.step()
    model.net.save_pretrained("adapter")


if __name__ == "__main__":
    main()
