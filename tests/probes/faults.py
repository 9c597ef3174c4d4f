"""Faults by probe, each built into a healthy run as one fact; and runs that do not let a probe look.

A function takes the fixture `healthy` and returns a live model.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from .conftest import collator


def relabelled(live, change):
    """The same run with other labels."""
    return replace(live, batches=tuple({**batch, "labels": change(batch)} for batch in live.batches))


def with_rows(live, change, pad=0, **settings):
    """The same run with other rows."""
    rows = tuple(change(row) for row in live.rows)
    collate = collator(pad)
    return replace(live, rows=rows, collate=collate, batches=(collate(rows[:4]), collate(rows[4:])), **settings)


def frozen(healthy):
    live = healthy()
    live.model.requires_grad_(requires_grad=False)
    return live


def shifted(batch):
    """Labels that the loader has moved to the place of the token before."""
    return functional.pad(batch["labels"][:, 1:], (0, 1), value=-100)


def unshifted_loss(model, batch):
    logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())


def sum_loss(model, batch):
    logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
    return functional.cross_entropy(logits.flatten(0, 1), batch["labels"][:, 1:].flatten(), reduction="sum")


def counts_ignored(model, batch, *, items=None):  # noqa: ARG001 - this is the fault
    return model(**batch).loss


def mean_of_means(model, batch):
    return model(**batch).loss


def without_gradient_of_one(live):
    """A loss that is finite while its gradient is not."""

    def loss(model, batch):
        first = next(iter(live.trained.values()))
        return model(**batch).loss + torch.sqrt((first * 0.0).sum())

    return replace(live, loss_of=loss)


def few_rows_with_targets(healthy):
    return relabelled(healthy(), lambda batch: torch.where(torch.arange(4)[:, None] == 0, batch["labels"], -100))


def no_end_written(healthy):
    return with_rows(healthy(), lambda row: {name: values[:-1] for name, values in row.items()})


def end_masked(healthy):
    return with_rows(healthy(), lambda row: {**row, "labels": [*row["labels"][:-1], -100]})


def padding_by_id(healthy):
    live = healthy()
    end = next(iter(live.end_ids))
    masked = with_rows(live, lambda row: row, pad=end, pad_id=end)
    return relabelled(masked, lambda batch: batch["labels"].masked_fill(batch["input_ids"] == end, -100))


def padding_by_place(healthy):
    live = healthy()
    end = next(iter(live.end_ids))
    return with_rows(live, lambda row: row, pad=end, pad_id=end)


def padding_attended(healthy):
    live = healthy()
    batches = tuple(
        {**batch, "attention_mask": torch.ones_like(batch["attention_mask"]), "labels": batch["input_ids"]}
        for batch in live.batches
    )
    return replace(live, batches=batches)


def begin_twice(healthy):
    live = healthy()
    return with_rows(
        live, lambda row: {"input_ids": [live.begin_id, *row["input_ids"]], "labels": [-100, *row["labels"]]}
    )


def ids_beyond(healthy):
    live = healthy()
    return replace(live, batches=tuple({**b, "input_ids": b["input_ids"] + live.vocabulary} for b in live.batches))


def random_weights(healthy):
    live = healthy(full=True)
    model = type(live.model)(live.model.config)
    return replace(live, model=model)


def new_head(healthy):
    live = healthy()
    nn.init.normal_(live.model.get_output_embeddings().weight, std=0.02)
    return live


def a_weight_is_nan(healthy):
    live = healthy()
    with torch.no_grad():
        next(iter(live.model.parameters()))[:] = float("nan")
    return live


def sees_everything(healthy):
    def logits(model, batch):
        rows, tokens = batch["input_ids"].shape
        mask = torch.ones(rows, 1, tokens, tokens, dtype=torch.bool)
        return model(input_ids=batch["input_ids"], attention_mask=mask).logits

    return replace(healthy(), logits_of=logits)


def layer_without_gradient(healthy):
    live = healthy()
    layer = live.model.base_model.model.model.layers[0]
    forward = layer.forward

    def cut(*arguments, **named):
        with torch.no_grad():
            return forward(*arguments, **named)

    layer.forward = cut
    return live


def loss_cut_off(healthy):
    return replace(healthy(), loss_of=lambda model, batch: model(**batch).loss.detach())


def stale_optimizer(healthy):
    return replace(
        healthy(), optimizer=lambda given: torch.optim.AdamW([one.detach().clone() for one in given], lr=1e-3)
    )


def moving_base(healthy):
    live = healthy()
    frozen_one = live.model.get_input_embeddings().weight

    def loss(model, batch):
        if model.training:
            with torch.no_grad():
                frozen_one.mul_(0.99)
        return model(**batch).loss

    return replace(live, loss_of=loss)


def backwards(healthy):
    return replace(healthy(), optimizer=lambda given: torch.optim.AdamW(list(given), lr=1e-4, maximize=True))


def loads_without_adapter(healthy):
    live = healthy()

    def load(path):
        return live.load(path).unload()

    return replace(live, load=load)


def loads_with_one_lost(healthy):
    live = healthy()

    def load(path):
        model = live.load(path)
        with torch.no_grad():
            next(one for name, one in model.named_parameters() if "lora_B" in name).zero_()
        return model

    return replace(live, load=load)


FAULTS = {
    "PRB001": {"most rows are masked": few_rows_with_targets},
    "PRB002": {"ends are not written": no_end_written, "ends are masked": end_masked},
    "PRB003": {
        "labels are a copy of the ids": lambda healthy: relabelled(healthy(), lambda b: b["input_ids"]),
        "padding is attended": padding_attended,
    },
    "PRB004": {"padding is masked by its id": padding_by_id},
    "PRB005": {
        "whole rows carry a loss": lambda healthy: relabelled(
            healthy(), lambda b: b["input_ids"].masked_fill(b["attention_mask"] == 0, -100)
        )
    },
    "PRB006": {"a template and the tokenizer each write it": begin_twice},
    "PRB007": {"a table of eight positions": lambda healthy: healthy(architecture="gpt2", positions=8)},
    "PRB008": {"tokens of a larger vocabulary": ids_beyond},
    "PRB101": {
        "shifted in the batch and in the loss": lambda healthy: relabelled(healthy(), shifted),
        "shifted nowhere": lambda healthy: healthy(loss_of=unshifted_loss),
    },
    "PRB102": {
        "random weights": random_weights,
        "a new output layer": new_head,
        "a sum instead of a mean": lambda healthy: healthy(loss_of=sum_loss),
    },
    "PRB103": {"a weight is NaN": a_weight_is_nan},
    "PRB104": {"attention sees everything": sees_everything},
    "PRB201": {"an adapter in float16": lambda healthy: healthy(dtype="float16")},
    "PRB202": {"a root of zero": lambda healthy: without_gradient_of_one(healthy())},
    "PRB203": {"an adapter in float16 under AdamW": lambda healthy: healthy(dtype="float16")},
    "PRB301": {"everything is frozen": frozen},
    "PRB302": {"a layer computes without gradients": layer_without_gradient, "the loss is cut off": loss_cut_off},
    "PRB303": {"the optimizer holds copies": stale_optimizer},
    "PRB304": {"the forward pass writes into the base": moving_base},
    "PRB401": {"the optimizer holds copies": stale_optimizer, "the optimizer climbs": backwards},
    "PRB402": {"the count of targets is ignored": lambda healthy: healthy(loss_of=counts_ignored)},
    "PRB501": {"loaded without adapter": loads_without_adapter, "one factor is lost": loads_with_one_lost},
}
"""What makes a symptom present, by probe."""

MILDER = {
    "PRB001": {"a third of the rows": lambda healthy: relabelled(
        healthy(), lambda b: torch.where(torch.arange(4)[:, None] == 0, -100, b["labels"]))},
    "PRB002": {"whole texts without an end": lambda healthy: replace(no_end_written(healthy), answers_only=False)},
    "PRB007": {"computed positions": lambda healthy: healthy(positions=8)},
    "PRB102": {
        "above its range": lambda healthy: healthy(expected_first_loss=(0.5, 1.0), expected_from="a range"),
        "below its range": lambda healthy: healthy(expected_first_loss=(20.0, 30.0)),
    },
    "PRB201": {"an adapter in bfloat16": lambda healthy: healthy(dtype="bfloat16")},
    "PRB402": {"rows of other lengths, a mean of means": lambda healthy: healthy(loss_of=mean_of_means)},
}  # fmt: skip
"""What makes it present as a warning."""

ABSENT = {
    "PRB004": {"the same id, masked by place": padding_by_place},
    "PRB005": {"whole rows are meant": lambda healthy: relabelled(
        healthy(answers_only=False), lambda b: b["input_ids"].masked_fill(b["attention_mask"] == 0, -100))},
    "PRB101": {"shifted in the batch, not in the loss": lambda healthy: relabelled(
        healthy(loss_of=unshifted_loss), shifted)},
    "PRB102": {"within its range": lambda healthy: healthy(expected_first_loss=(1.0, 12.0)),
               "random weights as meant": lambda healthy: replace(random_weights(healthy), pretrained=False)},
    "PRB402": {"a batch is taken apart": lambda healthy: healthy(rows=(), collate=None)},
    "PRB501": {"all weights, saved whole": lambda healthy: healthy(full=True)},
}  # fmt: skip
"""Further runs without the symptom, beside the healthy one."""

MISSING = {
    "PRB001": lambda healthy: replace(healthy(), batches=()),
    "PRB002": lambda healthy: healthy(end_ids=frozenset()),
    "PRB003": lambda healthy: without_mask(healthy(pad_id=None)),
    "PRB004": lambda healthy: healthy(pad_id=None),
    "PRB005": lambda healthy: healthy(answers_only=None),
    "PRB006": lambda healthy: healthy(begin_id=None),
    "PRB007": lambda healthy: healthy(positions=None),
    "PRB008": lambda healthy: replace(healthy(), batches=()),
    "PRB101": lambda healthy: healthy(loss_of=lambda model, batch: model(**batch).loss * 1.7),
    "PRB102": lambda healthy: healthy(vocabulary=0),
    "PRB103": lambda healthy: relabelled(healthy(), lambda b: torch.full_like(b["labels"], -100)),
    "PRB104": lambda healthy: replace(healthy(), batches=tuple(
        {name: value[:, :6] if name != "labels" else value[:, -6:] for name, value in batch.items()}
        for batch in healthy().batches)),
    "PRB201": frozen,
    "PRB202": ids_beyond,
    "PRB203": frozen,
    "PRB301": lambda healthy: replace(healthy(), model=nn.Identity()),
    "PRB302": frozen,
    "PRB303": lambda healthy: healthy(optimizer=lambda given: torch.optim.AdamW(list(given), lr=0.0)),
    "PRB304": lambda healthy: healthy(full=True),
    "PRB401": a_weight_is_nan,
    "PRB402": lambda healthy: healthy(accumulation=1, loss_of=mean_of_means),
    "PRB501": lambda healthy: healthy(save=None),
}  # fmt: skip
"""A run that does not let a probe look."""


def without_mask(live):
    """The same run without attention masks."""
    return replace(
        live, batches=tuple({k: v for k, v in batch.items() if k != "attention_mask"} for batch in live.batches)
    )
