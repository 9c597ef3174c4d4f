"""Relations between logged values."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.report_b_figures import PLAN, report_b
from tests.signals.run_builder import run_of

STEP = np.arange(10, 101, 10)
LOSS = np.linspace(3, 2, 10)


def violated(**columns):
    return {relation.name for relation in run_of(STEP, **columns).arithmetic.violated}


def checked(**columns):
    return {relation.name for relation in run_of(STEP, **columns).arithmetic.relations}


def test_report_b_breaks_no_relation():
    assert report_b(**PLAN).arithmetic.violated == ()


@pytest.mark.parametrize(("base", "broken"), [(np.e, False), (2.0, True)])
def test_perplexity(base, broken):
    found = violated(eval=LOSS, extra={"eval/perplexity": base**LOSS})
    assert ("eval perplexity is exp(loss)" in found) is broken


def test_the_worst_row_is_named():
    perplexity = np.exp(LOSS)
    perplexity[3:] *= 2
    (relation,) = run_of(STEP, loss=LOSS, extra={"train/perplexity": perplexity}).arithmetic.violated
    assert relation.step >= 40
    assert "the logged perplexity is" in relation.says


@pytest.mark.parametrize(("epoch", "broken"), [(STEP / 50, False), (np.where(STEP > 60, STEP / 25, STEP / 50), True)])
def test_steps_per_epoch(epoch, broken):
    assert ("steps per epoch are constant" in violated(loss=LOSS, extra={"train/epoch": epoch})) is broken


@pytest.mark.parametrize(("tokens", "broken"), [(STEP * 100.0, False), (np.where(STEP > 60, 5.0, STEP * 100.0), True)])
def test_tokens_grow(tokens, broken):
    assert ("tokens only grow" in violated(loss=LOSS, extra={"train/tokens": tokens})) is broken


@pytest.mark.parametrize(("whole", "broken"), [(64.0, False), (60.0, True)])
def test_global_batch(whole, broken):
    facts = {"global_batch_size": whole, "micro_batch_size": 4.0, "accumulation_steps": 8.0, "world_size": 2.0}
    name = "global batch is micro-batch times accumulation times devices"
    assert (name in violated(loss=LOSS, facts=facts)) is broken


def test_an_unknown_number_of_devices_may_be_the_factor():
    facts = {"global_batch_size": 64.0, "micro_batch_size": 4.0, "accumulation_steps": 8.0}
    assert violated(loss=LOSS, facts=facts) == set()


@pytest.mark.parametrize(("planned", "broken"), [(141.0, False), (100.0, False), (400.0, True)])
def test_planned_steps(planned, broken):
    columns = {"loss": LOSS, "extra": {"train/epoch": STEP / 47}}
    found = violated(**columns, facts={"planned_steps": planned, "planned_epochs": 3.0})
    assert ("planned steps are epochs times steps per epoch" in found) is broken


def test_nothing_logged_is_nothing_checked():
    assert checked(loss=LOSS) == set()


def test_infinite_perplexity_and_huge_loss_do_not_raise():
    extra = {"train/perplexity": np.full(10, np.inf)}
    assert checked(loss=np.full(10, 1e9), extra=extra) == set()


@pytest.mark.parametrize(("runtime", "broken"), [(60.0, False), (20.0, True)])
def test_the_clock_and_the_reported_runtime(runtime, broken):
    found = violated(loss=LOSS, extra={"time/elapsed": STEP * 0.5}, facts={"train_runtime": runtime})
    assert ("the clock agrees with the reported runtime" in found) is broken
