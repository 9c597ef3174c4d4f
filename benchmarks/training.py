"""What `trainclinic train` costs: `python benchmarks/training.py [--steps 60]`.

The same model, rows and settings are trained twice in one process on the CPU, a step of each in turn: by the plain
Trainer of transformers, and by `trainclinic train` with the guard on. Printed are the median time of a step, the median
of the paired ratios, and the largest difference between the two courses of the loss. Needs the extra `[train]`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS, TOKENS, VOCABULARY = 4, 128, 8000
GOAL = 2.0
"""Percent of a step."""


def model_folder(folder: Path) -> Path:
    """A llama of 9 million random weights with a tokenizer of whole words."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    hf: Any = transformers
    words = {"<unk>": 0, "<s>": 1, "</s>": 2} | {f"w{at}": at for at in range(3, VOCABULARY)}
    raw = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    hf.PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    config = hf.LlamaConfig(
        hidden_size=256, intermediate_size=688, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=8,
        vocab_size=VOCABULARY, max_position_embeddings=512, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    hf.set_seed(0)
    hf.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def rows_file(path: Path) -> Path:
    """Texts of random words."""
    import json
    import random

    drawn = random.Random(0)
    texts = (" ".join(f"w{drawn.randrange(3, VOCABULARY)}" for _ in range(TOKENS - 1)) for _ in range(400))
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    return path


class Turns:
    """Lets two trainings go on step by step, one after the other, and takes the time of each step."""

    def __init__(self) -> None:
        self.locks = [threading.Semaphore(1), threading.Semaphore(0)]
        self.since = [0.0, 0.0]
        self.seconds: list[list[float]] = [[], []]

    def begin(self, who: int) -> None:
        """Wait for a turn, and start the clock."""
        self.locks[who].acquire()
        self.since[who] = time.perf_counter()

    def end(self, who: int) -> None:
        """Stop the clock, and pass the turn on."""
        self.seconds[who].append(time.perf_counter() - self.since[who])
        self.locks[1 - who].release()


def timed(trainer: Any, turns: Turns, who: int) -> None:
    """Have a Trainer take turns: the clock starts before all its callbacks and stops behind them."""
    from transformers import TrainerCallback

    class Begin(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            turns.begin(who)

    class End(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns.end(who)

    trainer.callback_handler.callbacks.insert(0, Begin())
    trainer.add_callback(End())


def trained(folder: Path, steps: int, turns: Turns) -> list[Callable[[], Any]]:
    """The two trainings, ready to run."""
    import torch
    from transformers import AutoModelForCausalLM, Trainer

    from trainclinic.guard.of_job import callback_of
    from trainclinic.recipe.model import Adapter, Batch, Data, Evaluation, Guard, Model, Recipe, Schedule
    from trainclinic.training.batches import Collator, Items
    from trainclinic.training.job import build, plan

    recipe = Recipe(
        model=Model(name=str(folder / "model")),
        data=Data(train=str(folder / "rows.jsonl"), held_out=0.0),
        adapter=Adapter(method="full"),
        schedule=Schedule(steps=steps),
        batch=Batch(rows=ROWS, accumulation=1),
        evaluation=Evaluation(every_steps=10 * steps, generations=0),
        guard=Guard(log_every_steps=1),
    )
    job = build(plan(recipe), folder / "ours")
    hf: Any = AutoModelForCausalLM
    plain: Any = Trainer(
        model=hf.from_pretrained(folder / "model", dtype=torch.float32),
        args=job.trainer.args,
        train_dataset=Items(job.planned.rows.training),
        data_collator=_without_rows(Collator(job.planned.pad)),
    )
    timed(plain, turns, 0)
    job.trainer.callback_handler.callbacks.insert(0, callback_of(job))
    timed(job.trainer, turns, 1)
    return [lambda: _losses(plain), lambda: _losses(job.trainer)]


def _without_rows(collator: Any) -> Callable[[Any], Any]:
    return lambda items: {name: value for name, value in collator(items).items() if name != "rows"}


def _losses(trainer: Any) -> list[float]:
    trainer.train()
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]


def main() -> None:
    """Train both, and print what came of it."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    turns, found = Turns(), [[0.0], [0.0]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model_folder(folder / "model")
        rows_file(folder / "rows.jsonl")
        runs = trained(folder, options.steps, turns)

        def start(who: int) -> None:
            found[who] = runs[who]()

        threads = [threading.Thread(target=start, args=(who,)) for who in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    plain, ours = (times[3:] for times in turns.seconds)
    ratios = [b / a for a, b in zip(plain, ours, strict=True)]
    apart = max(abs(a - b) for a, b in zip(*found, strict=True))
    print(f"plain Trainer      {1e3 * statistics.median(plain):7.1f} ms a step")
    print(f"trainclinic train  {1e3 * statistics.median(ours):7.1f} ms a step, guard on")
    print(f"ratio              {statistics.median(ratios):7.4f} (goal: at most {1 + GOAL / 100:.2f})")
    print(f"losses differ by   {apart:7.1e} at most over {len(found[0])} steps")


if __name__ == "__main__":
    main()
