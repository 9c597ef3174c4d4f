"""What the guard costs, and how often it is wrong: `python benchmarks/guard.py`.

Two equal decoders of 10 million parameters are trained on the CPU in turns, step by step, one of them watched; each
watcher runs in a process of its own. Printed are the medians of the paired differences as a share of a bare step, of
wall time and of processor time; `nothing` shows how far they scatter. Time inside the calls of a watcher scatters less,
but leaves out its hooks. Beside the guard: `trainscope`, `torchmortem` and `wandb.watch`, where they are
installed, with their defaults; `wandb.watch` also at every step, since all others measure every step.

Then synthetic losses of healthy runs are replayed through the live rules, and alarms are counted.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

WATCHERS = ("nothing", "guard", "trainscope", "torchmortem", "wandb.watch", "wandb.watch at every step")
ROWS, TOKENS, VOCABULARY, WIDTH, LAYERS = 8, 128, 4096, 320, 6
WARM_UP = 3
GOAL = 1.0
"""Percent of a step."""

Watch = tuple[Callable[[Any], object], Callable[[Any], object]]
"""What a watcher does with the loss after `backward`, before the update and after it."""


def decoder() -> Any:
    """A decoder of about 10 million parameters."""
    import torch

    torch.manual_seed(0)
    one = torch.nn.TransformerEncoderLayer(WIDTH, 8, 4 * WIDTH, dropout=0.0, batch_first=True, norm_first=True)
    parts = {
        "embed": torch.nn.Embedding(VOCABULARY, WIDTH),
        "layers": torch.nn.TransformerEncoder(one, LAYERS, enable_nested_tensor=False),
        "head": torch.nn.Linear(WIDTH, VOCABULARY),
    }
    return torch.nn.ModuleDict(parts)


def watched_by(name: str, model: Any, optimizer: Any, folder: str) -> Watch:
    """Set a watcher up.

    Args:
        name: One of `WATCHERS`.
        model: The model.
        optimizer: Its optimizer.
        folder: Where the watcher may write.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    if name == "guard":
        from trainclinic.guard import Guard

        guard = Guard(model, optimizer, folder)
        return lambda loss: guard.look(loss, tokens=ROWS * TOKENS), lambda _: guard.step()
    if name == "trainscope":
        import trainscope  # type: ignore[import-not-found,unused-ignore]

        scope = trainscope.TrainScope(model, optimizer).attach()
        return lambda loss: scope.step(loss.item()), _nothing
    if name == "torchmortem":
        import torchmortem  # type: ignore[import-not-found,unused-ignore]

        autopsy = torchmortem.Autopsy(model, optimizer=optimizer)
        autopsy.__enter__()
        return _nothing, lambda loss: autopsy.step(loss=loss.item())
    if name.startswith("wandb"):
        import wandb  # type: ignore[import-not-found,unused-ignore]

        run = wandb.init(mode="offline", dir=folder)
        run.watch(model, log_freq=1 if "every" in name else 1000)
        return _nothing, lambda loss: run.log({"loss": loss.item()})
    return _nothing, _nothing


def _nothing(_: Any) -> None:
    """What an unwatched step does."""


def paired_steps(name: str, pairs: int) -> dict[str, float]:
    """Train a bare and a watched decoder in turns.

    Args:
        name: The watcher.
        pairs: Pairs of steps that count.

    Returns:
        `step`: median of a bare step, s; `wall` and `cpu`: what watching adds, percent; `own`: processor time inside
        the calls of the watcher, percent; `parameters`.
    """
    import torch

    torch.set_num_threads(1)
    models = [decoder() for _ in range(2)]
    optimizers = [torch.optim.AdamW(model.parameters(), lr=1e-4) for model in models]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        watches = [watched_by("nothing", models[0], optimizers[0], folder)]
        watches.append(watched_by(name, models[1], optimizers[1], folder))
        mask = torch.nn.Transformer.generate_square_subsequent_mask(TOKENS)
        taken: list[list[tuple[float, float, float]]] = [[], []]
        for at in range(2 * (pairs + WARM_UP)):
            # The order within a pair changes from pair to pair, so that neither side profits from it.
            side = (at + at // 2) % 2
            model, optimizer = models[side], optimizers[side]
            ids = torch.randint(VOCABULARY, (ROWS, TOKENS + 1), generator=torch.Generator().manual_seed(at // 2))
            wall, cpu = time.perf_counter(), time.process_time()
            hidden = model["layers"](model["embed"](ids[:, :-1]), mask=mask, is_causal=True)
            logits = model["head"](hidden).flatten(0, 1)  # [rows x tokens, vocabulary]
            loss: Any = torch.nn.functional.cross_entropy(logits, ids[:, 1:].flatten())
            loss.backward()
            before, after = watches[side]
            begun = time.process_time()
            before(loss)
            own = time.process_time() - begun
            optimizer.step()
            begun = time.process_time()
            after(loss)
            own += time.process_time() - begun
            optimizer.zero_grad()
            taken[side].append((time.perf_counter() - wall, time.process_time() - cpu, own))
    bare, seen = (side[WARM_UP:] for side in taken)
    out = {"step": statistics.median(wall for wall, _, _ in bare)}
    out["own"] = 100 * statistics.median(own for _, _, own in seen) / statistics.median(cpu for _, cpu, _ in bare)
    for which, key in enumerate(("wall", "cpu")):
        added = statistics.median(b[which] - a[which] for a, b in zip(bare, seen, strict=True))
        out[key] = 100 * added / statistics.median(a[which] for a in bare)
    return {**out, "parameters": float(sum(one.numel() for one in models[0].parameters()))}


def healthy_loss(steps: int, seed: int) -> list[float]:
    """A loss that falls and flattens, with noise of heavy tails (t5) between 2 and 25 % of its level."""
    chosen = random.Random(seed)
    noise, start, end = chosen.choice((0.02, 0.05, 0.1, 0.25)), chosen.uniform(1.5, 10), chosen.uniform(0.01, 1.5)
    speed = chosen.uniform(20, 400)
    out = []
    for step in range(steps):
        tail = math.sqrt(sum(chosen.gauss(0, 1) ** 2 for _ in range(5)) / 5)
        out.append((end + (start - end) / (1 + step / speed)) * math.exp(noise * chosen.gauss(0, 1) / tail))
    return out


def false_alarms(runs: int, steps: int) -> dict[str, int]:
    """Replay healthy losses through the live rules.

    Args:
        runs: Number of runs.
        steps: Steps of each.

    Returns:
        Alarms by rule.
    """
    from trainclinic.guard.live import About, Reading, load_rules

    found: dict[str, int] = {}
    for seed in range(runs):
        rules = load_rules(About(vocabulary=32_000))
        for step, loss in enumerate(healthy_loss(steps, seed), start=1):
            for rule in rules:
                says = rule.look(Reading(step=step, loss=loss, grad_norm=1.0))
                found[rule.slug] = found.get(rule.slug, 0) + (says is not None)
    return found


def measure(name: str, pairs: int) -> dict[str, float] | None:
    """Time one watcher in a process of its own; `None` when it is not installed."""
    command = [sys.executable, __file__, "--one", name, "--pairs", str(pairs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    # Some watchers print as well, also while they end.
    line = next(line for line in done.stdout.splitlines() if line.startswith('{"step"'))
    measured: dict[str, float] = json.loads(line)
    return measured


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=40, help="pairs of steps per watcher")
    parser.add_argument("--runs", type=int, default=200, help="healthy runs that are replayed")
    parser.add_argument("--steps", type=int, default=2000, help="steps of each of them")
    parser.add_argument("--one", choices=WATCHERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(paired_steps(options.one, options.pairs)))
        return
    print("| watcher | bare step, ms | added wall time | added processor time | of it inside its calls |")
    print("|---|---|---|---|---|")
    for name in WATCHERS:
        one = measure(name, options.pairs)
        cells = ["not installed"] * 4
        if one is not None:
            cells = [
                f"{1000 * one['step']:.0f}",
                f"{one['wall']:+.2f} %",
                f"{one['cpu']:+.2f} %",
                f"{one['own']:.2f} %",
            ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\ngoal for the guard: {GOAL:.0f} %\n\nAlarms on {options.runs} healthy runs of {options.steps:,} steps:")
    for slug, count in sorted(false_alarms(options.runs, options.steps).items()):
        print(f"  {slug}: {count}")


if __name__ == "__main__":
    main()
