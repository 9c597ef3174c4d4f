"""Training on a few rows: which rows, at which rates, from the same weights each time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="needs the training stack: pip install 'trainclinic[train]'")

from trainclinic.catalogue.verdict import Absent, Present, Severity  # noqa: E402
from trainclinic.probes import overfitting  # noqa: E402
from trainclinic.probes.overfitting import overfit, short_rows  # noqa: E402

from .faults import frozen, relabelled, stale_optimizer  # noqa: E402
from .state import asked, says  # noqa: E402


def sgd(rate):
    return lambda given: torch.optim.SGD(list(given), lr=rate)


def test_the_shortest_rows_are_taken_without_columns_of_padding(healthy):
    live = healthy()
    lengths = live.batches[0]["attention_mask"].sum(1)
    wide = {name: torch.nn.functional.pad(value, (0, 100), value=-100 if name == "labels" else 0)
            for name, value in live.batches[0].items()}  # fmt: skip
    chosen = short_rows(replace(live, batches=(wide,)))
    assert chosen["input_ids"].shape == (4, int(lengths.max()))
    assert chosen["attention_mask"].sum(1).tolist() == sorted(lengths.tolist())


def test_rows_together_stay_below_the_most_tokens_and_one_is_always_left(healthy, monkeypatch):
    live = healthy()
    lengths = sorted(live.batches[0]["attention_mask"].sum(1).tolist())
    monkeypatch.setattr(overfitting, "MOST_TOKENS", 2 * lengths[1])
    assert short_rows(live)["input_ids"].shape == (2, lengths[1])
    monkeypatch.setattr(overfitting, "MOST_TOKENS", 1)
    assert short_rows(live)["input_ids"].shape == (1, lengths[0])


def test_every_rate_starts_from_the_same_weights(healthy):
    live = replace(healthy(dropout=0.0), optimizer=sgd(1e-2))
    found = overfit(live, steps=5, fall=0.01, low=0.0)
    assert len(found.tries) > 2
    alone = overfit(replace(live, optimizer=sgd(found.tries[1].rate)), steps=5, fall=0.01, low=0.0)
    assert alone.tries[0].rate == found.tries[1].rate
    assert alone.tries[0].after == found.tries[1].after


def test_rates_end_where_larger_ones_no_longer_help(healthy):
    found = overfit(healthy(dropout=0.0), steps=10, fall=0.0, low=0.0)
    losses = [one.after for one in found.tries if one.rate >= found.tries[0].rate]
    assert losses[-1] >= min(losses[:-1]) or found.tries[-1].rate == 2.0
    assert all(later < earlier for earlier, later in pairwise(losses[:-1]))


def test_where_nothing_moves_one_rate_is_enough(healthy):
    found = overfit(stale_optimizer(healthy), steps=5, fall=0.5, low=0.1)
    assert [one.after for one in found.tries] == [found.before]


def test_a_loss_that_falls_too_slowly_is_a_warning(healthy):
    live = healthy(dropout=0.0, optimizer=lambda given: _Slow(list(given)))
    verdict = asked(live, "PRB401")
    assert isinstance(verdict, Present), says(verdict)
    assert verdict.severity is Severity.WARNING


class _Slow(torch.optim.AdamW):
    """AdamW that makes two steps and no more."""

    def __init__(self, given):
        super().__init__(given, lr=1e-3)
        self.left = 4

    def step(self, closure=None):
        self.left -= 1
        return super().step(closure) if self.left > 0 else None


def test_the_step_clips_as_the_run_does(healthy):
    live = healthy(full=True)

    def norm_at_the_update(limit):
        norms = []
        step = replace(live, max_grad_norm=limit, optimizer=lambda given: _Told(list(given), norms)).step
        assert step.norm > 1.0
        return norms[0]

    assert norm_at_the_update(0.5) == pytest.approx(0.5, rel=1e-3)
    assert norm_at_the_update(None) > 1.0


class _Told(torch.optim.SGD):
    """SGD that tells the norm of the gradient that it is given."""

    def __init__(self, given, norms):
        super().__init__(given, lr=1e-3)
        self.norms = norms

    def step(self, closure=None):
        gradients = [
            one.grad.flatten() for group in self.param_groups for one in group["params"] if one.grad is not None
        ]
        self.norms.append(float(torch.cat(gradients).norm()))
        return super().step(closure)


def test_strange_short_answers_above_guessing_are_no_finding_where_whole_rows_are_predicted(healthy):
    live = healthy()
    strange = relabelled(live, _only_the_end_after_a_long_prompt)
    assert sum(strange.first_losses) / len(strange.first_losses) > 6.0
    assert strange.offsets.whole < 5.0
    verdict = asked(strange, "PRB102")
    assert isinstance(verdict, Absent), says(verdict)


def _only_the_end_after_a_long_prompt(batch):
    """Only end tokens carry a loss, which the base has never seen."""
    return batch["labels"].masked_fill(batch["labels"] != 2, -100)


def test_a_frozen_model_is_not_trained_on(healthy):
    assert asked(frozen(healthy), "PRB401").missing == "a tensor that is trained"


def test_rows_for_the_tests_differ_in_length_and_end_with_a_target(healthy):
    live = healthy()
    assert len({len(row["input_ids"]) for row in live.rows}) > 3
    assert {row["labels"][-1] for row in live.rows} == set(live.end_ids)
