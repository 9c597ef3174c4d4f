"""A tiny pretrained model of a real architecture, and rows that it can learn: made once, in seconds, on the CPU.

The model has read sentences about things and their colours, so that its loss on such text is low before any fine-tuning,
as it is with the models that people fine-tune.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

THINGS = "apple boat cup door egg fox gate hat inn jar kite lamp moon nest oven pen".split()  # noqa: SIM905
COLOURS = "red blue green white black brown".split()  # noqa: SIM905
QUESTIONS = ("What colour is the {}?", "Which colour has the {}?", "Tell me the colour of the {}.", "The {}?")
STEPS = 400
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


def sentence(chosen: random.Random) -> str:
    """One sentence of the little world."""
    thing, colour = chosen.choice(THINGS), chosen.choice(COLOURS)
    asked = chosen.choice(QUESTIONS).format(thing)
    told = f"A {colour} {thing} stands by the {chosen.choice(THINGS)}."
    return chosen.choice([f"The {thing} is {colour}.", f"{asked} It is {colour}.", told])


def pairs(count: int = 64) -> list[tuple[str, str]]:
    """Questions with answers that a model can learn by heart: every thing has one colour."""
    colour_of = {thing: COLOURS[at % len(COLOURS)] for at, thing in enumerate(THINGS)}
    rows = [(form.format(thing), f"It is {colour_of[thing]}.") for thing in THINGS for form in QUESTIONS]
    return rows[:count]


def write_rows(path: Path, form: str) -> Path:
    """The pairs in one way of writing rows; returns the file."""
    rows: list[Any] = []
    for question, answer in pairs():
        turn = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        rows.append(
            {
                "messages": {"messages": turn},
                "prompt-completion": {"prompt": question, "completion": answer},
                "instruction": {"instruction": question, "input": "", "output": answer},
                "question-answer": {"question": question, "answer": answer},
                "text": {"text": f"{question} {answer}"},
            }[form]
        )
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def build_model(folder: Path, *, architecture: str = "llama", chat: bool = True) -> Path:
    """Train a tokenizer and a model of some 150,000 parameters, and save both in the Hugging Face form.

    Args:
        folder: Where to.
        architecture: `llama` or `gpt2`.
        chat: Whether its tokenizer has a chat template.
    """
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    hf: Any = transformers
    chosen = random.Random(0)
    texts = [sentence(chosen) for _ in range(2000)] + ["User: System: Assistant: <|user|>\n<|assistant|>\n"] * 20
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    specials = ["<unk>", "<s>", "</s>"] if architecture == "llama" else ["<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    raw.train_from_iterator(texts, trainer)
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    if architecture == "gpt2":
        names = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    tokenizer = hf.PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=512, **names)
    if chat:
        tokenizer.chat_template = CHAT_TEMPLATE
    torch.manual_seed(0)
    size: dict[str, Any] = {"vocab_size": len(tokenizer), "bos_token_id": tokenizer.bos_token_id,
                            "eos_token_id": tokenizer.eos_token_id}  # fmt: skip
    if architecture == "llama":
        model = hf.LlamaForCausalLM(
            hf.LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                        num_key_value_heads=4, max_position_embeddings=512, **size)
        )  # fmt: skip
    else:
        model = hf.GPT2LMHeadModel(hf.GPT2Config(n_embd=64, n_layer=2, n_head=4, n_positions=512, **size))
    _pretrain(model, tokenizer, texts[:2000])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _pretrain(model: Any, tokenizer: Any, texts: list[str]) -> None:
    import torch

    stream = torch.tensor([id_ for text in texts for id_ in tokenizer(f"{text}\n")["input_ids"]])
    length = 32
    blocks = stream[: len(stream) // length * length].view(-1, length)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    order = torch.Generator().manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several workers share the cores, and the matrices are too small for more
    model.train()
    for _ in range(STEPS):
        batch = blocks[torch.randint(len(blocks), (16,), generator=order)]
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    torch.set_num_threads(threads)
