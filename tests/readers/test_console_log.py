"""The console reader beyond its cases: what it claims, that no text breaks it, and that pieces change nothing."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hang import HANG_SECONDS

from trainclinic.readers import blocks
from trainclinic.readers.file import LogFile
from trainclinic.readers.formats.console_log import read, sniff
from trainclinic.readers.fragment import Fragment
from trainclinic.record.errors import ReadError
from trainclinic.record.vocabulary import EVENTS

PYTHON_SOURCE = """import torch
from transformers import Trainer

def main():
    step = 10
    loss = 2.5
    print(f"step {step}: loss {loss}")
    for epoch in range(3):
        learning_rate = 2e-5

class Model(torch.nn.Module):
    hidden = 512
"""
FRAGMENTS_OF_LOGS = [
    "step 10: loss 2.5", "{'loss': ", "{'loss': 1.0, 'epoch': 0.1}", "\r", "\x1b[32m", "\0", "nan", "1e999", "-", "[10/20]",
    " 10%|█ | 1/10 [00:01<00:09, 1.00it/s]", "epoch 1/3", "Namespace(", "lr=1e-4, ", "\\\n", "Traceback (most recent call last):",
    "ValueError: x", "HYPERPARAMETERS\n", "a = 3\n", "[rank1]: ", "2024-06-17 14:43:20,907 - INFO - ", "step 1e400 loss 3", "}", "\n", " ",
    "step 99999999999999999999 loss 1", "--lr 1e-3", "python train.py ", "iter nan loss nan", "OVERFLOW! Rank 0 Skipping step.",
]  # fmt: skip


def write(path: Path, content: str | bytes) -> LogFile:
    data = content.encode("utf-8", errors="surrogatepass") if isinstance(content, str) else content
    path.write_bytes(data)
    return LogFile(path)


def losses(fragment: Fragment) -> list[tuple[int, float, int]]:
    column = fragment.columns["train/loss"]
    return list(zip(map(int, column.step), map(float, column.value), map(int, column.line), strict=True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.py", PYTHON_SOURCE),
        ("source_without_ending", PYTHON_SOURCE),
        ("readme.md", "step 1: loss 2.0\nstep 2: loss 1.0\n"),
        ("config.yaml", "learning_rate: 1e-4\nsteps: 300\n"),
        ("run.sh", "python train.py --lr 1e-4\n"),
        ("novel.txt", "It was the 3rd of May 1897, step by step, 12 of them came.\n" * 50),
        ("weights.log", bytes(range(256)) * 40),
        ("empty.log", ""),
    ],
)
def test_text_that_is_no_log_is_not_claimed(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert sniff(write(tmp_path / name, content)) == 0.0


@pytest.mark.parametrize(
    "name", ["train.log", "out.txt", "nohup.out", "slurm-123.out", "output_aborted_5000", "job.o12345"]
)
def test_rows_are_claimed_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    assert sniff(write(tmp_path / name, "step 1: loss 2.0\n")) >= 0.5


def test_messages_alone_are_claimed_weakly(tmp_path: Path) -> None:
    assert 0.0 < sniff(write(tmp_path / "error.txt", "RuntimeError: CUDA error: device-side assert triggered\n")) < 0.5


def test_junk_around_rows_makes_no_columns(tmp_path: Path) -> None:
    text = (
        "Loaded 12 files in 3.5 s\nstep 1 loss 2.0\nGPU 3 has 12 MiB of 80 GiB\nstep 2 loss 1.9\nfound 3 of 9 steps\n"
    )
    (fragment,) = read(write(tmp_path / "a.log", text))
    assert set(fragment.columns) == {"train/loss"}


def test_a_row_that_is_learned_late_is_read_everywhere_behind(tmp_path: Path) -> None:
    lines = [f"step {n} loss {n / 8:.3f}" if n % 2 else f"[{n}/400] loss: {n / 8:.3f}" for n in range(1, 401)]
    (fragment,) = read(write(tmp_path / "a.log", "\n".join(lines) + "\n"))
    assert losses(fragment) == [(n, n / 8, n) for n in range(1, 401)]


def test_pieces_of_a_file_do_not_change_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(0)
    lines = []
    for n in range(3000):
        lines.append(f"iter {n}: loss {rng.random():.4f}, time {rng.random() * 90:.2f}ms, mfu 7.50%")
        if n % 100 == 0:
            lines += [
                f"step {n}: train loss {rng.random():.4f}, val loss {rng.random():.4f}",
                "saving checkpoint to out",
            ]
        if n % 700 == 0:
            lines.append("OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768")
    file = write(tmp_path / "a.log", "\n".join(lines))
    (whole,) = read(file)
    monkeypatch.setattr(blocks, "BLOCK_SIZE", 700)
    (pieces,) = read(LogFile(file.path))
    assert set(whole.columns) == set(pieces.columns)
    for name, column in whole.columns.items():
        for part in ("step", "value", "line"):
            np.testing.assert_array_equal(getattr(column, part), getattr(pieces.columns[name], part))
    assert [(e.kind, e.step, e.count) for e in whole.events] == [(e.kind, e.step, e.count) for e in pieces.events]


def test_bars_in_one_endless_line_are_read(tmp_path: Path) -> None:
    bars = "".join(
        f"\r {n // 300}%|█  | {n}/30000 [{n // 60:02d}:{n % 60:02d}<99:00,  1.00it/s, loss={n}]" for n in range(30_000)
    )
    file = write(tmp_path / "a.log", bars)
    assert file.size > blocks.MAX_LINE_BYTES
    (fragment,) = read(file)
    assert losses(fragment) == [(n, float(n), 1) for n in range(30_000)]
    assert not file.damage


def test_an_endless_line_without_bars_is_cut_and_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "a.log", "step 1 loss 2\n" + "x" * (3 << 20) + "\nstep 2 loss 1\n")
    (fragment,) = read(file)
    assert losses(fragment) == [(1, 2.0, 1), (2, 1.0, 3)]
    assert [(d.says, d.source.line, d.count) for d in file.damage] == [
        ("line longer than 1 MiB, its rest was skipped", 2, 1)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "learning rate" + " " * 3000 + "x",
        "epoch 0: " + "4" * 5000,
        "A=" + '"' * 2000 + " python",
        "-" * 3000 + " " * 3000,
        "step 1 " + "loss= " * 300,
        "{'loss': " * 400,
        "Namespace(" + "a=(" * 500,
        "1:" * 2000 + "[<",
    ],
    ids=lambda line: line[:12],
)
def test_no_line_takes_long(tmp_path: Path, line: str) -> None:
    """Hostile lines: an expression that backtracks takes minutes on one of them."""
    file = write(tmp_path / "hostile.log", f"step 1 loss 2.0\n{line}\nstep 2 loss 1.0\n")
    begin = time.process_time()
    (fragment,) = read(file)
    assert time.process_time() - begin < HANG_SECONDS
    assert losses(fragment)[0] == (1, 2.0, 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.sampled_from(FRAGMENTS_OF_LOGS), st.text(max_size=20)), max_size=30))
def test_any_text_is_read_or_refused(tmp_path: Path, parts: list[str]) -> None:
    file = write(tmp_path / "a.log", "".join(parts))
    assert 0.0 <= sniff(file) <= 1.0
    try:
        fragments = read(file)
    except ReadError:
        return
    for fragment in fragments:
        for column in fragment.columns.values():
            assert len(column.step) == len(column.value) == len(column.line) > 0
        assert {event.kind for event in fragment.events} <= set(EVENTS)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    file = write(tmp_path / "a.log", b"step 1 loss 2.0\n" + data)
    sniff(file)
    try:
        read(file)
    except ReadError:
        pytest.fail("the first line is a row, whatever follows")


def test_rows_that_name_the_splits_alone_are_losses(tmp_path: Path) -> None:
    text = "".join(f"step {at:4d} train {6.5 - at / 100:.4f} val {6.6 - at / 100:.4f}\n" for at in range(0, 250, 50))
    (fragment,) = read(write(tmp_path / "a.log", text))
    assert list(fragment.columns["train/loss"].value) == [6.5, 6.0, 5.5, 5.0, 4.5]
    assert list(fragment.columns["eval/loss"].step) == [0, 50, 100, 150, 200]


def test_counts_of_splits_are_no_losses(tmp_path: Path) -> None:
    text = "".join(f"epoch {at} train 900 val 100 loss {3 - at / 10:.3f}\n" for at in range(5))
    (fragment,) = read(write(tmp_path / "a.log", text))
    assert "eval/loss" not in fragment.columns


def test_the_moving_average_of_a_bar_is_the_loss(tmp_path: Path) -> None:
    bars = [f"steps:   0%|  | {at}/2000 [00:{at}<33:10,  1.00it/s, avr_loss=0.1{at}]\n" for at in range(10, 15)]
    (fragment,) = read(write(tmp_path / "a.log", "".join(bars)))
    assert list(fragment.columns["train/loss"].value) == [0.110, 0.111, 0.112, 0.113, 0.114]


def test_losses_that_a_script_prints_once_are_a_row(tmp_path: Path) -> None:
    (fragment,) = read(write(tmp_path / "a.log", "Training loss: 3.91\nValidation loss: 3.88\n"))
    assert {name: list(column.value) for name, column in fragment.columns.items()} == {
        "train/loss": [3.91],
        "eval/loss": [3.88],
    }


def test_losses_that_are_printed_again_and_again_without_steps_are_no_single_row(tmp_path: Path) -> None:
    assert sniff(write(tmp_path / "a.log", "Training loss: 3.91\nTraining loss: 3.88\nVal loss: 3.9\n")) == 0.0
