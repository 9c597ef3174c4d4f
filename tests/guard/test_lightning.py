"""The callback of Lightning: true losses, norms before clipping, stops."""

# ruff: noqa: ARG002
from __future__ import annotations

import pytest

from trainclinic.guard import Policy

from .conftest import lines_of

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Lightning warns about the machine, the loaders and its own dependencies
]


@pytest.fixture
def fit(tmp_path):
    """Train a tiny module under the callback; returns what the module saw itself, and the Trainer."""
    lightning = pytest.importorskip(
        "pytorch_lightning", reason="needs PyTorch Lightning: pip install pytorch-lightning"
    )
    import torch

    from trainclinic.guard import TrainclinicLightningCallback

    torch.set_num_threads(1)

    class Tiny(lightning.LightningModule):
        def __init__(self, poison=None, fail=None):
            super().__init__()
            self.net = torch.nn.Linear(4, 1)
            self.poison, self.fail = poison, fail
            self.losses = []

        def training_step(self, batch, index):
            if index == self.fail:
                message = "out of memory"
                raise RuntimeError(message)
            loss = (self.net(batch[0]) - batch[0].sum(1, keepdim=True)).pow(2).mean()
            self.losses.append(loss.item())
            return loss * float("nan") if index == self.poison else loss

        def validation_step(self, batch, index):
            self.log("val_loss", self.net(batch[0]).pow(2).mean())

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def run(accumulation=1, policy=None, **broken):
        torch.manual_seed(0)
        module = Tiny(**broken)
        rows = torch.utils.data.TensorDataset(torch.randn(48, 4))
        loader = torch.utils.data.DataLoader(rows, batch_size=4)
        trainer = lightning.Trainer(
            max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, gradient_clip_val=0.01, accumulate_grad_batches=accumulation,
            num_sanity_val_steps=0, callbacks=[TrainclinicLightningCallback(tmp_path, policy=policy, facts={"seed": 0})],
        )  # fmt: skip
        trainer.fit(module, loader, loader)
        return module, trainer

    return run


@pytest.mark.parametrize("accumulation", [1, 3])
def test_every_step_is_recorded(fit, tmp_path, accumulation):
    module, trainer = fit(accumulation)
    steps = lines_of(tmp_path, "step")
    assert [row["step"] for row in steps] == list(range(1, trainer.global_step + 1))
    parts = [module.losses[at : at + accumulation] for at in range(0, 12, accumulation)]
    assert [row["loss"] for row in steps] == pytest.approx([sum(part) / len(part) for part in parts])
    assert min(row["grad_norm"] for row in steps) > 0.01, "before clipping"
    assert {row["learning_rate"] for row in steps} == {0.1}
    assert steps[-1]["epoch"] == pytest.approx(1.0)
    facts = lines_of(tmp_path, "head")[0]["facts"]
    assert (facts["framework"], facts["accumulation_steps"], facts["seed"]) == ("lightning", accumulation, 0)
    assert facts["max_grad_norm"] == 0.01
    assert len(lines_of(tmp_path, "evaluation")) == 1
    assert lines_of(tmp_path, "trouble") == []
    assert lines_of(tmp_path)[-1]["reason"] == "finished"


def test_a_bad_gradient_stops_the_run(fit, tmp_path):
    module, trainer = fit(poison=5)
    assert trainer.global_step == 6
    assert module.net.weight.isfinite().all()
    assert lines_of(tmp_path, "alarm")[0]["step"] == 6
    assert lines_of(tmp_path)[-1]["reason"] == "stopped"


def test_a_rollback_lowers_the_rate_of_an_optimizer_without_schedule(fit, tmp_path):
    module, trainer = fit(poison=5, policy=Policy(on_non_finite="rollback", strict=False))
    assert trainer.global_step == 12
    assert module.net.weight.isfinite().all()
    assert [row["learning_rate"] for row in lines_of(tmp_path, "step")] == pytest.approx([0.1] * 6 + [0.05] * 6)


def test_a_failure_is_recorded(fit, tmp_path):
    with pytest.raises(RuntimeError, match="out of memory"):
        fit(fail=3)
    assert lines_of(tmp_path)[-1]["reason"] == "failed"
