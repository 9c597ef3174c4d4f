"""The preflight: no alarm on a healthy run, the right one on a faulty one, the costly checks only where they help."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs the training stack: pip install 'trainclinic[train]'")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from trainclinic.catalogue.verdict import Absent, NotEvaluated, Present  # noqa: E402
from trainclinic.guard.preflight import examine  # noqa: E402
from trainclinic.probes.live import Live  # noqa: E402
from trainclinic.record.errors import TrainclinicError  # noqa: E402

from .faults import relabelled, shifted  # noqa: E402
from .state import says, state_of  # noqa: E402


def present(preflight):
    """What is present, by slug; no check may have broken off."""
    assert "broke off" not in " ".join(says(check.verdict) for check in preflight.checks)
    return {check.entry.rule.slug: says(check.verdict) for check in preflight.checks if check.finding.is_present}


@pytest.mark.parametrize("autocast", [None, "bfloat16"])
@pytest.mark.parametrize("full", [False, True], ids=["adapter", "full"])
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_a_healthy_run_passes_without_a_single_finding(architecture, full, autocast, healthy):
    preflight = examine(healthy(architecture=architecture, full=full, autocast=autocast))
    assert present(preflight) == {}
    assert not preflight.failed
    skipped = {rule.code for rule, verdict in preflight.verdicts if isinstance(verdict, NotEvaluated)}
    assert skipped <= {"PRB006", "PRB304"}


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": lambda given: torch.optim.SGD(list(given), lr=1e-2)},
        {"optimizer": lambda given: torch.optim.AdamW(list(given), lr=2e-5, weight_decay=0.1)},
        {"optimizer": lambda given: torch.optim.Adafactor(list(given), lr=1e-3)},
        {"max_grad_norm": None, "accumulation": 1},
        {"scaler_used": True, "autocast": "float16"},
        {"dropout": 0.3},
        {"rows": (), "collate": None},
    ],
    ids=["sgd", "small-rate", "adafactor", "no-clipping", "float16-autocast", "dropout", "batches-alone"],
)
def test_other_settings_of_a_healthy_run_pass_too(settings, healthy):
    assert present(examine(healthy(**settings))) == {}


def test_checkpointing_is_no_fault(healthy):
    live = healthy()
    live.model.enable_input_require_grads()
    inner = live.model.get_base_model()
    inner.config.use_cache = False
    name = "activation" if hasattr(inner, "activation_checkpointing_enable") else "gradient"
    getattr(inner, f"{name}_checkpointing_enable")({"use_reentrant": False})
    assert present(examine(live)) == {}


def test_a_plain_pytorch_loop_hands_itself_over_in_a_few_lines():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(97, 32)
            self.cells = nn.GRU(32, 32, batch_first=True)
            self.out = nn.Linear(32, 97)

        def forward(self, ids):
            return self.out(self.cells(self.embedding(ids))[0])

    def loss_of(model, batch):
        return functional.cross_entropy(model(batch["input_ids"]).flatten(0, 1), batch["labels"].flatten())

    torch.manual_seed(0)
    stream = torch.randint(0, 97, (8, 17))
    batches = [{"input_ids": part[:, :-1], "labels": part[:, 1:]} for part in stream.split(4)]
    live = Live.of(Small(), batches, loss_of=loss_of, logits_of=lambda model, batch: model(batch["input_ids"]))
    preflight = examine(live)
    assert present(preflight) == {}
    assert isinstance({rule.code: verdict for rule, verdict in preflight.verdicts}["PRB101"], Absent)


def test_report_a_float16_weights_under_adamw_fail_at_the_update(healthy):
    preflight = examine(healthy(dtype="float16"))
    found = present(preflight)
    assert preflight.failed
    assert set(found) == {"half-precision-trained-tensors", "non-finite-weights-after-one-step"}
    assert "`eps` is 1.000e-08; float16 rounds" in found["non-finite-weights-after-one-step"]
    assert {one.entry.rule.slug for one in preflight.stops} == set(found)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_report_b_labels_shifted_in_loader_and_model_fail_at_the_offset(architecture, healthy):
    preflight = examine(relabelled(healthy(architecture=architecture, answers_only=False), shifted))
    found = present(preflight)
    assert "loss-at-another-offset" in {one.entry.rule.slug for one in preflight.stops}
    assert "labels are 1 ahead of the token ids" in found["loss-at-another-offset"]
    (verdict,) = [check.verdict for check in preflight.checks if check.entry.rule.code == "PRB101"]
    assert verdict.means.startswith("Labels are shifted twice")


def test_after_something_harmful_what_is_costly_is_left_out_and_says_so(healthy):
    live = healthy()
    live.model.requires_grad_(requires_grad=False)
    preflight = examine(live)
    costly = {rule.code: verdict for rule, verdict in preflight.verdicts if rule.code in {"PRB401", "PRB402", "PRB501"}}
    assert set(costly.values()) == {NotEvaluated("a model without `no-trained-tensors`")}


def test_a_warning_does_not_stop_the_run(healthy):
    preflight = examine(healthy(dtype="bfloat16", pretrained=None), only=["PRB201", "batch-that-stays-unlearned"])
    assert set(present(preflight)) == {"half-precision-trained-tensors"}
    assert not preflight.failed
    assert isinstance(preflight.verdicts[1][1], Absent)


def test_only_what_is_named_is_asked_and_progress_is_told(healthy):
    told = []
    preflight = examine(
        healthy(),
        only={"PRB203", "no-trained-tensors"},
        on_check=lambda name, done, total: told.append((name, done, total)),
    )
    assert [rule.code for rule, _ in preflight.verdicts] == ["PRB301", "PRB203"]
    assert told == [("no-trained-tensors", 0, 2), ("non-finite-weights-after-one-step", 1, 2)]
    assert preflight.seconds >= preflight.checks[0].seconds >= 0


def test_an_unknown_probe_is_an_error_of_the_user(healthy):
    with pytest.raises(TrainclinicError, match="no probe is called `PRB999`"):
        examine(healthy(), only=["PRB999"])


@pytest.mark.parametrize("full", [False, True], ids=["adapter", "full"])
def test_the_whole_preflight_leaves_everything_as_found(full, healthy):
    live = healthy(full=full)
    live.model.eval()
    next(iter(live.trained.values())).grad = torch.ones_like(next(iter(live.trained.values())))
    before = state_of(live.model)
    examine(live)
    assert state_of(live.model) == before


def test_training_goes_on_after_the_preflight_as_if_it_had_not_been(healthy):
    def trained(with_preflight):
        live = healthy()
        torch.manual_seed(3)
        if with_preflight:
            examine(live)
        optimizer = torch.optim.AdamW(live.trained.values(), lr=1e-3)
        live.model.train()
        for batch in live.batches:
            live.model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        return torch.cat([one.detach().flatten() for one in live.trained.values()])

    assert torch.equal(trained(with_preflight=True), trained(with_preflight=False))


def test_the_evidence_shows_first_and_last_rows_as_text(healthy):
    live = healthy()
    masked = relabelled(live, lambda batch: batch["labels"].masked_fill(batch["input_ids"] == 2, -100))
    (check,) = examine(replace(masked), only=["PRB002"]).checks
    assert isinstance(check.verdict, Present)
    assert "targets of row 1 of batch 1 end with `" in says(check.verdict)
    assert "targets of row 4 of batch 2 end with `" in says(check.verdict)
    assert "It is" in says(check.verdict)
