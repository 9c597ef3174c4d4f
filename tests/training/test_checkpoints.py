"""Which saved states are whole, good, best."""

from __future__ import annotations

import pytest

from trainclinic.record.errors import TrainclinicError
from trainclinic.training import checkpoints


@pytest.fixture
def save(tmp_path):
    def made(step, *, state="good", loss=None, sealed=True, why=""):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"x" * 100)
        if sealed:
            checkpoints.mark(folder, state=state, step=step, loss=loss, why=why)
        return folder

    return made


def test_a_folder_without_a_seal_is_not_whole(save, tmp_path):
    save(1)
    save(2, sealed=False)
    assert [one.step for one in checkpoints.whole_checkpoints(tmp_path)] == [1]


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_a_file_that_is_cut_or_missing_makes_a_checkpoint_torn(save, damage):
    folder = save(1)
    assert checkpoints.whole(folder) is not None
    weights = folder / "model.safetensors"
    weights.unlink() if damage == "missing" else weights.write_bytes(b"x" * 99)
    assert checkpoints.whole(folder) is None


def test_the_newest_that_is_not_suspect_is_gone_on_from(save, tmp_path):
    save(1)
    save(2)
    save(3, state="suspect", why="NaN")
    assert checkpoints.last_good(tmp_path).step == 2


def test_the_best_has_the_lowest_loss_and_is_not_suspect(save, tmp_path):
    save(1, loss=2.0)
    save(2, loss=1.5)
    save(3, loss=0.0, state="suspect")
    save(4, loss=float("nan"))
    assert checkpoints.best(checkpoints.whole_checkpoints(tmp_path)).step == 2


def test_a_second_mark_keeps_the_loss(save):
    folder = save(1, loss=1.5, state="unjudged")
    checkpoints.mark(folder, state="suspect", step=1, why="a spike")
    found = checkpoints.whole(folder)
    assert (found.state, found.why, found.loss) == ("suspect", "a spike", 1.5)


def test_old_ones_go_and_the_best_and_the_last_good_stay(save, tmp_path):
    save(1, loss=1.0)
    save(2, loss=2.0)
    save(3, loss=2.0)
    save(4, state="suspect")
    save(5, state="suspect")
    checkpoints.keep_only(tmp_path, 1)
    assert [one.step for one in checkpoints.whole_checkpoints(tmp_path)] == [1, 3, 5]


def test_torn_ones_are_removed_and_named(save, tmp_path):
    save(1)
    save(2, sealed=False)
    assert checkpoints.discard_torn(tmp_path) == ["checkpoint-2"]
    assert not (tmp_path / "checkpoint-2").exists()
    assert (tmp_path / "checkpoint-1").exists()


def test_later_ones_are_set_aside_and_not_lost(save, tmp_path):
    save(1)
    save(2)
    assert checkpoints.set_aside_after(tmp_path, 1) == ["checkpoint-2"]
    assert (tmp_path / "abandoned-checkpoint-2" / "model.safetensors").exists()
    assert checkpoints.last_good(tmp_path).step == 1


def test_a_torn_checkpoint_cannot_be_named(save):
    with pytest.raises(TrainclinicError, match="no whole checkpoint"):
        checkpoints.checkpoint_at(save(1, sealed=False))


def test_a_damaged_seal_is_none(save):
    folder = save(1)
    (folder / checkpoints.SEAL).write_text('{"step": 1,')
    assert checkpoints.whole(folder) is None
