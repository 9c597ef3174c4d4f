"""What people print when they check a run: each wording once, and lines that look alike and say nothing of the kind."""

from __future__ import annotations

import math

import pytest

from trainclinic.readers.checks.claims import claims
from trainclinic.readers.checks.line import Line
from trainclinic.readers.checks.outcomes import outcomes
from trainclinic.record.vocabulary import EVENTS


def told(text: str) -> list[tuple[str, float | None]]:
    lines = [Line(number, line) for number, line in enumerate(text.splitlines(), start=1)]
    return [(claim.kind, claim.value) for claim in claims(lines)]


SAYS = [
    (
        "row 0: no pads, logits finite\nrow 1: 7 pads, logits nan",
        [("unpadded-rows-finite", 1.0), ("padded-rows-non-finite", 1.0)],
    ),
    ("module    max abs output\ndecoder.3.wo   70112.0\ndecoder.4.wo   inf", [("activation-values", math.inf)]),
    (
        "sha256 of the adapter file\n  before training  9f2c41d07be88a31\n  after 200 steps  9f2c41d07be88a31",
        [("weights-unchanged", None)],
    ),
    (
        "sha256 of the adapter file\n  before training  9f2c41d07be88a31\n  after 200 steps  9f2c41d07be88a32",
        [("weights-changed", None)],
    ),
    ("run 9f2c41d07be88a31\nrun 9f2c41d07be88a31", []),
    ("6: '<|im_end|>', probability 0.031", [("stop-probability", 0.031)]),
    ("6: 'Bern', probability 0.031", []),
    ("4-bit + adapter   loss 0.80\nmerged, bf16   loss 1.20", [("loss-at-reload", 1.5)]),
    ("4-bit + adapter   loss 0.80\nmerged, bf16   accuracy 1.20", []),
    ("batch at step 40: loss inf, the trainer shows 12.5", [("hidden-non-finite-loss", None)]),
    ("labels at pad positions: 2", [("trained-padding", 1.0)]),
    ("labels at pad positions: -100", [("masked-padding", None)]),
    ("cached latents with nan: 1 of 8", [("stored-data-non-finite", 1.0)]),
    ("dataset samples: nan or inf in 3 of 8", [("stored-data-non-finite", 3.0)]),
    ("dataset samples: nan, unknown", []),
    ("adapter weights: non-finite values: 12", [("weights-non-finite", 12.0)]),
    ("module    count\ndecoder.3.wo   70112.0", []),
    ("assistant: Yes. [-100, -100]", [("answers-ignored", 1.0)]),
    ("### Response: At noon. -> (masked)", [("answers-ignored", 1.0)]),
    ("answer tokens: trained 0 of 12", [("answers-ignored", 1.0)]),
    ("labels: [-100, -100, -100, -100]", [("rows-without-labels", 1.0)]),
    ("labels: tensor([[-100, 45, 9, 2]])", [("rows-with-labels", 1.0)]),
    ("Who(-100, 15546) ?(-100, 30) Anna(-100, 11553) .(-100, 13)", [("rows-without-labels", 1.0)]),
    ("Who(-100, 15546) ?(-100, 30) Anna(11553, 11553) .(13, 13)", [("rows-with-labels", 1.0)]),
    ("decoded labels: ''", [("rows-without-labels", 1.0)]),
    ("12 of 80 rows have no target", [("rows-without-labels", 12.0)]),
    ("fully masked rows: 0", []),
    ("rows with 0 targets: 0", [("rows-with-labels", 1.0)]),
    ("row 3 trained 0 of 31 tokens", [("rows-without-labels", 1.0)]),
    ("slow tokenizer: ids [1, 5]\nfast tokenizer: ids [1, 6]", [("token-ids-differ", 2.0)]),
    ("text: hello\ntrain -> [1, 5]\nserve -> [1, 5]", []),
    ("perplexity before adding special tokens 12.5 after 410.0", [("loss-at-token-resize", 32.8)]),
    ("eval loss before saving: 1.20\neval loss after loading: 1.80", [("loss-at-reload", 1.5)]),
    ("loss of the text, vocab resized: 3.0 -> 60.0", [("loss-at-token-resize", 20.0)]),
    ("NaN rows: 3 padded, 0 unpadded", [("padded-rows-non-finite", 3.0)]),
    ("NaN rows: 3 padded, 2 unpadded", [("padded-rows-non-finite", 3.0), ("unpadded-rows-non-finite", 2.0)]),
    ("row 0 pads 4 nan True\nrow 1 pads 0 nan False", [("padded-rows-non-finite", 1.0), ("unpadded-rows-finite", 1.0)]),
    ("lm_head.weight min -0.2 max 0.25", [("weight-values", 0.25)]),
    ("score absmax 3e36", [("weight-values", 3e36)]),
    ("model.norm.weight min 1.0 max 1.0", [("weight-values", 1.0), ("weights-unchanged", 1.0)]),
    ("0 of 512 elements changed", [("weights-unchanged", 0.0)]),
    ("moved: 511 of 512", [("weights-changed", 511 / 512)]),
    ("fraction of weights changed 0.02", [("few-weights-changed", 0.02)]),
    ("enc moved 0.0\nenc moved 0.0", [("weights-unchanged", 0.0)]),
    ("enc moved 0.0\nenc moved 0.3", [("weights-changed", 0.3)]),
    ("sha256 before ab12cd34, after ab12cd34", [("weights-unchanged", None)]),
    ("sha256 before ab12cd34, after ab12cd35", [("weights-changed", None)]),
    ("the adapter weights are identical to the start", [("weights-unchanged", None)]),
    ("non-finite parameters: 12", [("weights-non-finite", 12.0)]),
    ("12 {'torch.float16'}", [("trained-in-float16", None)]),
    ("lora_A.default.weight torch.bfloat16 requires_grad=True", [("trained-in-bfloat16", None)]),
    ("grad is None: lm_head.weight\ngrad is None: wte.weight", [("gradients-missing", 2.0)]),
    ("optimizer param ids match model: False", [("optimizer-misses-parameters", 1.0)]),
    ("not saved: lm_head.weight, embed_tokens.weight", [("trained-not-saved", 2.0)]),
    ("missing from checkpoint: none", [("trained-and-saved", 0.0)]),
    ("fp32 gives the same", [("same-failure-in-other-precision", None)]),
    ("eager attention: still nan", [("same-failure-with-other-kernel", None)]),
    ("encoder.block.3 hook output absmax 66246.4", [("activation-values", 66246.4)]),
    ("layers.2.mlp max abs: inf", [("activation-values", float("inf"))]),
    ("max logits difference merged vs live: 5.9", [("logits-and-merge", 5.9)]),
    ("random future tokens: max logit change 0.0003", [("logits-and-later-tokens", 0.0003)]),
    ("token <|eot_id|> norm 0.01, mean norm 0.5", [("token-row-norm", 0.02)]),
    ("probability of <eos>: 0.04", [("stop-probability", 0.04)]),
    ("ids of the prompt: [1, 1, 450, 29889]", [("begin-token-twice", 1.0)]),
    ("lowering the learning rate did not help", [("same-failure-at-other-learning-rate", None)]),
]


@pytest.mark.parametrize(("text", "expected"), SAYS)
def test_a_report_says_what_was_found(text: str, expected: list[tuple[str, float | None]]) -> None:
    found = told(text)
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    for (_, value), (_, wanted) in zip(found, expected, strict=True):
        assert value == (wanted if wanted is None else pytest.approx(wanted))


@pytest.mark.parametrize(
    "line",
    [
        "memory before 5.10 after 71.38",
        "rows before filtering: 12000, after: 9000",
        "accuracy before 0.21 after 0.64",
        "loss before training 3.41 after training 1.20",
        "Loading checkpoint shards: 100%|##########| 2/2 [00:03<00:00,  1.51s/it]",
        "[user] What is it? (all -100)",
        "base model dtype: torch.float16",
        "torch_dtype=torch.float16, bnb_4bit_compute_dtype=torch.float16",
        "layers to train: [1, 2, 3]\nlayers of the eval: [4, 5, 6]",
        "gradient_checkpointing: True",
        "the tokenizer has changed since the last release",
        "Loss is the same for every rank",
        "num_labels: 0",
        "optimizer: adamw_torch, 2 of 4 groups use weight decay at step 5",
        "head_dim 64 128",
        "Saving model checkpoint to out/checkpoint-500",
        "After 500 steps the model was saved",
        "commit hash before merge: see git log",
        "max gradient norm 1.0",
        "decoded labels: 'North of the bridge.'",
        "layers.2.mlp.weight was cast",
        "ids of the batch: [17, 17, 4, 9]",
    ],
)
def test_ordinary_lines_say_nothing(line: str) -> None:
    assert told(line) == []


def test_every_kind_that_a_report_can_tell_is_in_the_vocabulary() -> None:
    assert {kind for _, expected in SAYS for kind, _ in expected} <= set(EVENTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpu loss 3.83\nmps loss 19.88", [("cpu", 3.83), ("mps", 19.88)]),
        ("loss on cpu: 3.83\nloss on mps: 19.88", [("cpu", 3.83), ("mps", 19.88)]),
        ("loss: cpu 3.83, mps 19.88", [("cpu", 3.83), ("mps", 19.88)]),
        ("CE shift 1 3.61 shift 2 9.23", [("shift 1", 3.61), ("shift 2", 9.23)]),
        ("accumulation 2: loss 6.4\naccumulation 4: loss 13.65", [("accumulation 2", 6.4), ("accumulation 4", 13.65)]),
        ("step 10 loss 2.1\nstep 20 loss 2.0", []),
        ("train loss 2.1\nval loss 2.0", []),
        ("cpu loss 3.83", []),
        ("gpu loss 3.8\ngpu loss 3.7", []),
        ("output_fused: 0.0\noutput_torch: 1.31", [("output_fused", 0.0), ("output_torch", 1.31)]),
        ("rows_torch: 3\nrows_fused: 4", []),
        (
            "sum of losses, one by one: 12.5\nsum of losses, packed with a block mask: 12.4",
            [("one by one", 12.5), ("packed with a block mask", 12.4)],
        ),
        ("model(ids, labels=ids).loss: 1.7\nshift 1: 1.1", [("model", 1.7), ("shift 1", 1.1)]),
    ],
)
def test_losses_of_several_cases_are_a_list_of_results(text: str, expected: list[tuple[str, float]]) -> None:
    lines = [Line(number, line) for number, line in enumerate(text.splitlines(), start=1)]
    assert [(one.case, one.value) for one in outcomes(lines)] == expected
