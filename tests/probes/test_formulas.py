"""Losses at offsets, gradients and steps against plain PyTorch."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="needs the training stack: pip install 'trainclinic[train]'")

from torch.nn import functional  # noqa: E402

from trainclinic.probes.accumulating import accumulate  # noqa: E402
from trainclinic.probes.live import model_loss, targets_of  # noqa: E402
from trainclinic.probes.offsets import labels_ahead, loss_at  # noqa: E402
from trainclinic.probes.snapshot import kept  # noqa: E402

from .faults import mean_of_means, relabelled, shifted  # noqa: E402


@pytest.fixture
def batch():
    """Logits, ids and labels of three rows, the first tokens and one end masked."""
    torch.manual_seed(0)
    ids = torch.randint(0, 50, (3, 12))
    labels = ids.clone()
    labels[:, :4] = -100
    labels[1, 9:] = -100
    return torch.randn(3, 12, 50), ids, labels


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_the_loss_at_an_offset_is_the_cross_entropy_of_shifted_logits(batch, offset):
    logits, _, labels = batch
    mean, _ = loss_at(logits, labels, -offset)
    expected = functional.cross_entropy(logits[:, :-offset].flatten(0, 1), labels[:, offset:].flatten())
    assert mean == pytest.approx(float(expected), rel=1e-6)


def test_the_loss_at_no_offset_compares_logits_and_labels_of_one_place(batch):
    logits, _, labels = batch
    expected = functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    assert loss_at(logits, labels, 0)[0] == pytest.approx(float(expected), rel=1e-6)


def test_the_mean_by_row_weighs_each_row_alike(batch):
    logits, _, labels = batch
    by_row = [functional.cross_entropy(logits[row, :-1], labels[row, 1:]) for row in range(3)]
    mean, rows = loss_at(logits, labels, -1)
    assert rows == pytest.approx(float(sum(by_row)) / 3, rel=1e-6)
    assert mean != pytest.approx(rows, rel=1e-4)


def test_there_is_no_loss_further_ahead_than_a_row_is_long(batch):
    logits, _, labels = batch
    assert math.isnan(loss_at(logits, labels, -12)[0])


@pytest.mark.parametrize("distance", [0, 1, 2, 3])
def test_how_far_labels_are_ahead_is_read_off_the_ids(batch, distance):
    _, ids, labels = batch
    moved = functional.pad(labels[:, distance:], (0, distance), value=-100)
    assert labels_ahead(ids, moved) == distance


def test_labels_of_other_tokens_are_at_no_distance(batch):
    _, ids, labels = batch
    assert labels_ahead(ids, (labels + 7) % 50) is None


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize("in_batch", [False, True])
def test_the_offsets_of_a_model_hold_its_own_loss_at_one_or_two(healthy, architecture, in_batch):
    live = healthy(architecture=architecture)
    if in_batch:
        live = relabelled(live, shifted)
    seen = live.offsets
    assert seen.ahead == int(in_batch)
    assert seen.own == pytest.approx(seen.at[2 if in_batch else 1], rel=1e-5)
    assert seen.targets == int((live.batches[0]["labels"] != -100).sum())


def test_the_loss_of_all_tokens_is_that_of_a_model_trained_on_them(healthy):
    live = healthy()
    batch = live.batches[0]
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    live.model.eval()
    expected = float(live.model(**{**batch, "labels": labels}).loss.detach())
    assert live.offsets.whole == pytest.approx(expected, rel=1e-5)


def test_the_first_step_has_the_loss_gradients_and_changes_of_a_plain_step(healthy):
    live = healthy(dropout=0.0)
    step = live.step
    with kept(live.model, weights=True) as before:
        live.model.train()
        loss = live.model(**live.batches[0]).loss
        loss.backward()
        norms = {name: float(one.grad.norm()) for name, one in live.trained.items()}
        total = float(torch.nn.utils.clip_grad_norm_(live.model.parameters(), 1.0))
        torch.optim.AdamW(live.trained.values(), lr=1e-4).step()
        moved = before.moved()
    assert step.loss == pytest.approx(float(loss.detach()))
    assert step.norm == pytest.approx(total, rel=1e-5)
    assert {one.name: one.gradient for one in step.tensors} == pytest.approx(norms, rel=1e-5)
    assert {one.name for one in step.tensors if one.moved} == moved
    assert (step.rate, step.epsilon, step.optimizer) == (1e-4, 1e-8, "AdamW")
    firsts = [one for one in step.tensors if "lora_A" in one.name]
    assert firsts
    assert all(one.gradient == 0.0 and one.later for one in firsts)


def test_a_scaled_loss_gives_the_gradient_without_its_scale(healthy):
    plain, scaled = healthy(dropout=0.0).step, healthy(dropout=0.0, scaler_used=True).step
    assert scaled.norm == pytest.approx(plain.norm, rel=1e-4)
    assert scaled.loss == pytest.approx(plain.loss)


def test_micro_batches_with_the_count_of_all_targets_add_up_to_the_gradient_of_one_batch(healthy):
    found = accumulate(healthy())
    assert found.rows == 8
    assert len(set(found.targets)) > 1
    assert found.difference < 1e-4


def test_a_mean_of_means_differs_as_its_weights_say(healthy):
    live = healthy(loss_of=mean_of_means)
    gradients = []
    with kept(live.model):
        live.model.eval()
        for row in live.rows:
            live.model.zero_grad()
            live.loss(live.collate([row])).backward()
            gradients.append(torch.cat([one.grad.flatten() for one in live.trained.values()]))
    counts = torch.tensor([sum(label != -100 for label in row["labels"]) for row in live.rows])
    right = (torch.stack(gradients) * (counts / counts.sum())[:, None]).sum(0)
    wrong = torch.stack(gradients).mean(0)
    expected = float((wrong - right).norm() / right.norm())
    assert accumulate(live).difference == pytest.approx(expected, rel=1e-3)


def test_the_default_loss_of_a_model_without_the_count_is_its_share_of_all_targets(healthy):
    live = healthy()
    batch = live.batches[0]

    class Plain(torch.nn.Module):
        def forward(self, input_ids, attention_mask, labels):
            return live.model(input_ids=input_ids, attention_mask=attention_mask, labels=labels)

    live.model.eval()
    count = targets_of(batch)
    whole = float(model_loss(Plain(), batch).detach())
    assert float(model_loss(Plain(), batch, items=3 * count).detach()) == pytest.approx(whole / 3, rel=1e-5)
    assert float(model_loss(live.model, batch, items=3 * count).detach()) == pytest.approx(whole / 3, rel=1e-5)
