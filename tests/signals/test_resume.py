"""Resumes: overlaps, messages, copies, and what the loss does there."""

from __future__ import annotations

import numpy as np
import pytest
from tests.signals.run_builder import run_of

from trainclinic.record.parts import Event
from trainclinic.record.source import Source

FIRST = np.arange(10, 501, 10)
SECOND = np.arange(310, 801, 10)


def curve(step, seed=0, noise=0.02):
    return 2 + np.exp(-np.asarray(step) / 200) + noise * np.random.default_rng(seed).standard_normal(len(step))


def resumed(change=0.0, seed=1):
    later = curve(SECOND, seed)
    later[:20] += change
    return run_of(np.concatenate((FIRST, SECOND)), loss=np.concatenate((curve(FIRST), later)))


def test_an_overlap_is_found_and_measured():
    (point,) = resumed().resume.points
    assert (point.step, point.how, point.overlap, point.overlapping_rows) == (310, "overlap", (310, 500), 20)
    assert not point.is_copy
    assert abs(point.jump) < 0.1
    assert point.noise == pytest.approx(0.02, rel=0.8)


def test_a_jump_is_measured_against_the_earlier_pass():
    (point,) = resumed(0.8).resume.points
    assert point.jump == pytest.approx(0.8, abs=0.1)
    assert point.settled_difference == pytest.approx(0.8, abs=0.05)


def test_a_dip_is_negative():
    (point,) = resumed(-0.2).resume.points
    assert point.settled_difference == pytest.approx(-0.2, abs=0.05)


def test_the_same_rows_twice_are_a_copy():
    loss = curve(FIRST)
    (point,) = run_of(np.concatenate((FIRST, FIRST)), loss=np.concatenate((loss, loss))).resume.points
    assert point.is_copy


def test_a_second_run_from_the_first_step_is_a_restart():
    loss = np.concatenate((curve(FIRST), curve(FIRST, seed=5)))
    (point,) = run_of(np.concatenate((FIRST, FIRST)), loss=loss).resume.points
    assert point.how == "restart"


@pytest.mark.parametrize("axis", ["step", "row"])
def test_a_message_without_overlap_is_placed_by_its_line(axis):
    step = np.arange(1, 11)
    loss = np.array([0.84, 0.83, 0.82, 8.7, 7.9, 6.6, 5.7, 5.0, 4.5, 4.0])
    event = Event("resume", "Restarting from checkpoint-2200", Source("train.log", 3))
    (point,) = run_of(step, loss=loss, events=[event], axis=axis).resume.points
    assert point.how == "message"
    assert (point.step, point.after) == (4, 8.7)
    assert point.before == pytest.approx(0.83)
    assert point.rows_to_recover is None


def test_a_log_that_begins_late_has_a_start_step():
    step = np.arange(2000, 3001, 25)
    history = run_of(step, loss=curve(step)).resume
    assert history.start_step == 2000
    assert history.points == ()


def test_a_log_that_begins_at_its_interval_has_none():
    assert run_of(FIRST, loss=curve(FIRST)).resume.start_step is None


def test_nothing_logged_gives_nothing():
    assert run_of([1, 2], norm=[1, 1]).resume is None


def test_nan_around_a_resume_does_not_raise():
    loss = np.full(FIRST.size + SECOND.size, np.nan)
    (point,) = run_of(np.concatenate((FIRST, SECOND)), loss=loss).resume.points
    assert np.isnan(point.jump)
