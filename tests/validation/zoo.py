"""Small models that work and models that are broken on purpose, each with what is wrong with it.

All of them come from one base of some 150,000 parameters; most breaks are made by editing files, as they happen.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixes.tiny import CHAT_TEMPLATE, COLOURS, THINGS, build_model, pairs

STEPS, RATE, ROWS_IN_A_BATCH = 150, 3e-3, 16
HELD_OUT_EVERY = 4
LAST_SPECIAL = 2
"""Id of the last special token of the tokenizer."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class Specimen:
    """A model with what is known about it.

    Attributes:
        name: What was done to it.
        folder: Where it lies.
        codes: Symptoms of which at least one has to be found; empty for a model that works.
        base: Its base, as a user would name it.
    """

    name: str
    folder: Path
    codes: frozenset[str] = frozenset()
    base: str = ""


def parted() -> tuple[list[Pair], list[Pair]]:
    """Training pairs and held-out pairs: other ways to ask about the same things."""
    rows = pairs()
    return [one for at, one in enumerate(rows) if at % HELD_OUT_EVERY], rows[::HELD_OUT_EVERY]


def write_pairs(path: Path, rows: Sequence[Pair]) -> Path:
    """Write pairs as conversations; returns the file."""
    turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in rows]
    path.write_text("\n".join(json.dumps({"messages": turn}) for turn in turns) + "\n")
    return path


def tune(
    base: Path, folder: Path, rows: Sequence[Pair], *, steps: int = STEPS, rate: float = RATE, adapter: bool = False,
    masked_end: bool = False, on_prompts: bool = False, in_words: bool = False,
) -> Path:  # fmt: skip
    """Fine-tune a base in a few seconds.

    Args:
        base: The base.
        folder: Where to.
        rows: Questions with answers.
        steps: Updates.
        rate: Learning rate.
        adapter: Whether to train an adapter.
        masked_end: Whether the end token is left out of the loss.
        on_prompts: Whether the questions carry the loss, in the place of the answers.
        in_words: Whether turns are written as `User:` and `Assistant:`, in the place of the markup of the template.
    """
    import peft
    import torch
    import transformers

    hf: Any = transformers
    tokenizer = hf.AutoTokenizer.from_pretrained(base)
    torch.manual_seed(0)
    model = hf.AutoModelForCausalLM.from_pretrained(base)
    if adapter:
        ends = ["embed_tokens", "lm_head"]  # the base has never seen its end token
        settings = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", modules_to_save=ends)
        model = peft.get_peft_model(model, settings)
    turns = [(f"User: {q}\nAssistant:", f" {a}") if in_words else (f"<|user|>\n{q}</s>\n<|assistant|>\n", a)
             for q, a in rows]  # fmt: skip
    batches = [_labelled(tokenizer, *turn, masked_end=masked_end, on_prompts=on_prompts) for turn in turns]
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=rate)
    order = torch.Generator().manual_seed(0)
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / steps)
        chosen = torch.randint(len(batches), (ROWS_IN_A_BATCH,), generator=order).tolist()
        ids = torch.nn.utils.rnn.pad_sequence([batches[at][0] for at in chosen], batch_first=True)
        labels = torch.nn.utils.rnn.pad_sequence(
            [batches[at][1] for at in chosen], batch_first=True, padding_value=-100
        )
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(batches[at][0]) for at in chosen], batch_first=True)
        model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _labelled(tokenizer: Any, prompt: str, answer: str, *, masked_end: bool, on_prompts: bool) -> tuple[Any, Any]:
    import torch

    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    after = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    ids = torch.tensor([*before, *after])
    labels = ids.clone()
    if on_prompts:
        labels[len(before) :] = -100
    else:
        labels[: len(before)] = -100
    if masked_end:
        labels[-1] = -100
    return ids, labels


def edited(source: Path, folder: Path, edit: Callable[[dict[str, Any]], None], file: str = "model.safetensors") -> Path:
    """A copy of a model whose tensors were edited."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder)
    tensors = load_file(folder / file)
    edit(tensors)
    save_file(tensors, folder / file, metadata={"format": "pt"})
    return folder


def _with_nan(tensors: dict[str, Any]) -> None:
    name = next(name for name in tensors if "down_proj" in name)
    tensors[name][0, 0] = float("nan")


def _shuffled_embedding(tensors: dict[str, Any]) -> None:
    import torch

    name = "model.embed_tokens.weight"
    order = torch.randperm(len(tensors[name]), generator=torch.Generator().manual_seed(0))
    tensors[name] = tensors[name][order].clone()


def _in_one_bit(tensors: dict[str, Any]) -> None:
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            tensors[name] = tensor.sign() * tensor.abs().mean()


def _without_a_tensor(tensors: dict[str, Any]) -> None:
    del tensors[next(name for name in tensors if "q_proj" in name)]


def _renamed_adapter(tensors: dict[str, Any]) -> None:
    for name in [name for name in tensors if "lora_" in name]:
        tensors[name.replace("base_model.model.model.", "base_model.model.transformer.")] = tensors.pop(name)


def _other_template(source: Path, folder: Path, template: str) -> Path:
    import transformers

    hf: Any = transformers
    shutil.copytree(source, folder)
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return folder


def _merged_into(base: Path, adapter: Path, folder: Path) -> Path:
    import peft
    import transformers

    hf: Any = transformers
    library: Any = peft
    model = library.PeftModel.from_pretrained(hf.AutoModelForCausalLM.from_pretrained(base), adapter)
    model.merge_and_unload().save_pretrained(folder)
    hf.AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def _renamed_ids(source: Path, folder: Path) -> Path:
    """The tokenizer of another model: the same tokens under other ids."""
    shutil.copytree(source, folder)
    path = folder / "tokenizer.json"
    whole = json.loads(path.read_text())
    vocabulary = whole["model"]["vocab"]
    names = [name for name in vocabulary if vocabulary[name] > LAST_SPECIAL]
    numbers = [vocabulary[name] for name in names]
    vocabulary.update(zip(names, reversed(numbers), strict=True))
    path.write_text(json.dumps(whole))
    return folder


def base_of(folder: Path, *, seed: int = 0) -> Path:
    """The base, or another one of the same shape that learned another world."""
    if seed == 0:
        return build_model(folder)
    import torch
    import transformers

    hf: Any = transformers
    torch.manual_seed(seed)
    first = build_model(folder)
    model = hf.LlamaForCausalLM(hf.AutoConfig.from_pretrained(first))
    model.save_pretrained(folder)
    return tune(folder, folder, [(f"The {thing}?", f"A {colour} {thing}.") for thing in THINGS for colour in COLOURS])


def sound(where: Path, base: Path) -> list[Specimen]:
    """Models that work."""
    rows, _ = parted()
    plain = build_model(where / "gpt2-base", architecture="gpt2", chat=False)
    full = tune(base, where / "full", rows)
    adapter = tune(base, where / "adapter", rows, adapter=True, rate=1e-2)
    return [
        Specimen("all weights trained", full, base=str(base)),
        Specimen("an adapter", adapter),
        Specimen("the adapter merged", _merged_into(base, adapter, where / "merged"), base=str(base)),
        Specimen("all weights trained longer", tune(base, where / "longer", rows, steps=300), base=str(base)),
        Specimen("all weights trained, no base named", full),
        Specimen("without a chat template", tune(plain, where / "gpt2", rows, in_words=True), base=str(plain)),
    ]


def broken(where: Path, base: Path, full: Path, adapter: Path) -> list[Specimen]:
    """Models that do not work, each with the symptoms that show it."""
    rows, _ = parted()
    named = str(base)
    other = base_of(where / "other-base", seed=1)
    made: list[tuple[str, Path, set[str], str]] = [
        ("NaN in one weight", edited(full, where / "nan", _with_nan), {"VAL001"}, named),
        ("end token never learned", tune(base, where / "endless", rows, masked_end=True), {"VAL104", "GEN802"}, named),
        ("loss on the prompts", tune(base, where / "echo", rows, on_prompts=True), {"VAL102", "VAL107", "VAL104"}, named),
        ("another template beside it", _other_template(full, where / "template", ALPACA_LIKE), {"VAL105"}, named),
        ("adapter never trained", tune(base, where / "untrained", rows, adapter=True, steps=0), {"VAL002"}, ""),
        ("adapter with other names", edited(adapter, where / "renamed", _renamed_adapter, ADAPTER),
         {"VAL003", "VAL002"}, ""),
        ("adapter merged into another base", _merged_into(other, adapter, where / "wrong"), {"VAL102", "VAL103"}, named),
        ("embedding shuffled", edited(full, where / "shuffled", _shuffled_embedding), {"VAL102", "VAL103"}, named),
        ("embedding shuffled, no base named", where / "shuffled", {"VAL103"}, ""),
        ("overtrained on four rows", tune(base, where / "four", rows[:4], steps=300), {"VAL102", "VAL203"}, named),
        ("weights rounded to one bit", edited(full, where / "rounded", _in_one_bit), {"VAL102", "VAL103"}, named),
        ("ids of another tokenizer", _renamed_ids(full, where / "ids"), {"VAL005", "VAL103"}, named),
        ("a tensor in no file", edited(full, where / "missing", _without_a_tensor), {"VAL003"}, named),
        ("diverged at a high rate", tune(base, where / "diverged", rows, rate=0.5, steps=60), {"VAL102", "VAL103", "GEN801"}, named),
        ("the base itself", _copy(base, where / "base-copy"), {"VAL002"}, named),
    ]  # fmt: skip
    return [Specimen(name, folder, frozenset(codes), of) for name, folder, codes, of in made]


def _copy(source: Path, folder: Path) -> Path:
    shutil.copytree(source, folder)
    return folder


ADAPTER = "adapter_model.safetensors"
ALPACA_LIKE = CHAT_TEMPLATE.replace("<|' + message['role'] + '|>", "### ' + message['role'] + ':").replace(
    "<|assistant|>", "### assistant:"
)
