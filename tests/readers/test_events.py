"""Telling lines: each wording once, and lines that look alike and say nothing of the kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainclinic.readers.file import LogFile
from trainclinic.readers.grammars.event_patterns import PATTERNS
from trainclinic.readers.grammars.events import EventCollector
from trainclinic.record.vocabulary import EVENTS

LINES = [
    ("Some weights of X were not initialized from the model checkpoint and are newly initialized: ['a']", "weights-newly-initialised", None),
    ("Some weights of the model checkpoint at x were not used when initializing Y: ['a']", "weights-unused", None),
    ("OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768.0", "optimizer-step-skipped", 32768.0),
    ("OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768.0", "loss-scale-change", 32768.0),
    ("OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 1, reducing to 1", "loss-scale-floor", None),
    ("Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 8192.0", "loss-scale-change", 8192.0),
    ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", "out-of-memory", None),
    ("RuntimeError: MPS backend out of memory (MPS allocated: 17.9 GB)", "out-of-memory", None),
    ("RuntimeError: CUDA error: device-side assert triggered", "device-side-assert", None),
    ("Assertion `srcIndex < srcSelectDimSize` failed.", "device-side-assert", None),
    ("`loss_type=None` was set in the config but it is unrecognized. Using the default loss.", "loss-type-none", None),
    ("Setting `pad_token_id` to `eos_token_id`:50256 for open-end generation.", "pad-token-missing", None),
    ("UserWarning: None of the inputs have requires_grad=True. Gradients will be None", "no-input-gradient", None),
    ("RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn", "no-trainable-parameters", None),
    ("trainable params: 0 || all params: 124,439,808 || trainable%: 0.0", "no-trainable-parameters", None),
    ("UserWarning: Could not find response key `### A:` in the following instance: x", "response-template-missing", None),
    ("Could not find response template in the following instance: x.", "response-template-missing", None),
    ("WARNING: tokenization mismatch: 100 vs. 102. (ignored)", "token-count-mismatch", 2.0),
    ("WARNING: tokenization mismatch: 90 vs. 76. #turn = 3. (ignored)", "token-count-mismatch", -14.0),
    ("Mismatch between tokenized prompt and the start of tokenized prompt+completion. x", "token-count-mismatch", None),
    ("ZeroDivisionError: Unsloth: All labels in your dataset are -100. Training losses will be all 0.", "labels-all-ignored", None),
    ("Unsloth: Most labels in your dataset are -100. Training losses will be all 0.", "labels-all-ignored", None),
    ("Sample 17 has NO trainable tokens (all masked)!", "labels-all-ignored", None),
    ("ValueError: No valid target tokens found", "labels-all-ignored", None),
    ("batch 3: 0 supervised tokens", "labels-all-ignored", None),
    ("num_target_tokens: 0", "labels-all-ignored", None),
    ("This sample will be ignored in loss calculation.", "labels-all-ignored", None),
    ("The chat template does not include the assistant turn's end-of-turn token in the loss mask; x", "end-token-outside-mask", None),
    ("UserWarning: the EOS token is not part of the assistant mask", "end-token-outside-mask", None),
    ("is_chat_template_stop_token_trained: False", "end-token-outside-mask", None),
    ("ValueError: Unsloth: Untrained tokens in rows [[128255]] found.", "tokens-untrained", None),
    ("Cloning chat template added new tokens to the tokenizer, but 'lm_head' is not in PEFT's `modules_to_save`.", "tokens-untrained", None),
    ("Please set lora_modules_to_save to [`embed_tokens`, `lm_head`] when using an adapter and changing the special tokens.", "tokens-untrained", None),
    ("You are attempting to perform batched generation with padding_side='right' this may lead to", "padding-side-refused", None),
    ("A decoder-only architecture is being used, but right-padding was detected!", "padding-side-refused", None),
    ("You are using packing, but the attention implementation is not set to 'flash_attention_2'", "packing-unprotected", None),
    ("You are passing `padding_free=True` with the 'wrapped' packing strategy, which is not recommended.", "packing-unprotected", None),
    ("sample_packing without flash_attention or sdp_attention does not handle cross-attention.", "packing-unprotected", None),
    ("sample_packing without flash, sdp or flex attention does not handle cross sample decontamination.", "packing-unprotected", None),
    ("UserWarning: Merge lora module to 8-bit linear may get different generations due to rounding errors.", "quantised-merge", 8.0),
    ("Unsloth: Merging into 4bit will cause your model to lose accuracy if you plan", "quantised-merge", 4.0),
    ("[INFO] Merged 2 adapter(s).", "adapter-merged", None),
    ("[0/8] torch._dynamo hit config.recompile_limit (8)", "recompilation-limit", 8.0),
    ("[WARNING] torch._dynamo hit config.accumulated_cache_size_limit (64)", "recompilation-limit", 64.0),
    ("torchdynamo hit recompilation cache limit (64) for function 'f'", "recompilation-limit", 64.0),
    ("recompile_limit reached with fullgraph=True. Excessive recompilations", "recompilation-limit", None),
    ("Recording too many CUDAGraphs may lead to extra overhead. We have observed 51 distinct sizes.", "recompilation-limit", 51.0),
    ("tokenizer ready, eos_token_id 32007", "token-id-named", 32007.0),
    ("Setting `pad_token_id` to `eos_token_id`:50256 for open-end generation.", "token-id-named", 50256.0),
    ("max(input_ids) = 32004", "token-id-named", 32004.0),
    ("input_ids max: 32004", "token-id-named", 32004.0),
    ("largest token id: 32004", "token-id-named", 32004.0),
    ("len(tokenizer): 32001", "tokenizer-size", 32001.0),
    ("ValueError: Token id 32008 is out of vocabulary", "token-outside-vocabulary", 32008.0),
    ("Exception: Vocab size mismatch (model has 32000, but tokenizer.model has 32001).", "token-outside-vocabulary", 1.0),
    ("IndexError: index 32000 is out of bounds for dimension 0 with size 32000", "token-outside-vocabulary", 32000.0),
    ("WARNING: 5 out of the last 5 calls to <f> triggered tf.function retracing.", "recompilation-limit", None),
    ("Token indices sequence length is longer than the specified maximum sequence length for this model (5120 > 2048).", "sequence-too-long", 5120.0),
    ("Resuming training from checkpoint-500", "resume", None),
    ("--- resumed from ckpt at 16000 ---", "resume", 16000.0),
    ("Starting from step 2000", "resume", 2000.0),
    ("Continuing from checkpoint out/ckpt_100.pt", "resume", None),
    ("Loaded model checkpoint from out/checkpoint-500", "resume", None),
    ("Optimizer restored from runs/ckpt-900", "resume", None),
    ("KeyboardInterrupt", "interrupted", None),
    ("slurmstepd: error: *** JOB 1 CANCELLED AT 2024-01-01T00:00:00 DUE TO TIME LIMIT ***", "interrupted", None),
    ("Training complete! Final loss: 3.1", "training-finished", None),
    ("Early stopping triggered after 5 evaluations", "early-stop", None),
    ("ValueError: Attempting to unscale FP16 gradients.", "exception", None),
    ("ValueError: Attempting to unscale FP16 gradients.", "gradient-unscale-refused", None),
    ("train.py: error: argument --fp16: Truthy value expected", "exception", None),
    ("Warning: NaN detected in gradients of layer 3", "non-finite-warning", None),
    ("Resizing the embedding: You are resizing the embedding layer without providing `pad_to_multiple_of`", "embedding-resized", None),
    ("The operator 'aten::x' is not currently supported on the MPS backend and will fall back to run on the CPU.", "backend-fallback", None),
    ("FutureWarning: `evaluation_strategy` is deprecated and will be removed in version 4.46", "deprecated-setting", None),
    ("Saving model checkpoint to out/checkpoint-500", "checkpoint-saved", 500.0),
    ("adapter elements 2162688, nan 2162688", "weights-non-finite", 2162688.0),
    ("lora_B tensors with norm > 1e-6: 2 of 112", "weights-unchanged", 110.0),
]  # fmt: skip
SILENT = [
    "Checkpoints enabled: saving every 500 steps to checkpoints/",
    "early_stopping_patience: 3",
    "Starting from step 0",
    "Continuing with the default settings of the checkpoint",
    "Loading checkpoint shards: 100%",
    "resume_from_checkpoint: None",
    "logging_nan_inf_filter: True",
    "pad_token: <pad>",
    "The financial year was banner: nancy won",
    "adapter elements 2162688, nan 0",
    "lora_B tensors with norm > 1e-6: 112 of 112",
    "trainable params: 4,194,304 || all params: 6,742,609,920",
    "torch._dynamo.config.cache_size_limit = 256",
    "Labels with -100 will be ignored in loss calculation",
    "batch 3: 120 supervised tokens",
    "num_target_tokens: 1024",
    "padding_side='right'",
    "tokens: 1024, loss_mask: on",
    "sample_packing: true",
    "lora_modules_to_save: embed_tokens,lm_head",
]


def collect(tmp_path: Path, *lines: str) -> EventCollector:
    path = tmp_path / "a.log"
    path.write_text("\n".join(lines))
    collector = EventCollector(LogFile(path))
    collector.begin_block("\n".join(lines).lower())
    for number, line in enumerate(lines, start=1):
        collector.look_at(line, number, number)
    return collector


@pytest.mark.parametrize(("line", "kind", "value"), LINES, ids=[f"{kind}: {line[:30]}" for line, kind, _ in LINES])
def test_a_telling_line(tmp_path: Path, line: str, kind: str, value: float | None) -> None:
    found = {seen.event.kind: seen.event for seen in collect(tmp_path, line).seen}
    assert kind in found
    assert found[kind].value == value
    assert found[kind].source.line == 1


@pytest.mark.parametrize("line", SILENT)
def test_a_line_that_tells_nothing(tmp_path: Path, line: str) -> None:
    assert [seen.event.kind for seen in collect(tmp_path, line).seen] == []


@pytest.mark.parametrize(
    ("before", "after", "is_event"),
    [
        ("before: lora_up.weight  min 0.0 max 0.0", "after 500 steps: lora_up.weight  min 0.0 max 0.0", True),
        ("md5 before training: 9e107d9d372bb682", "md5 after training: 9e107d9d372bb682", True),
        ("md5 before training: 9e107d9d372bb682", "md5 after training: e4d909c290d0fb1c", False),
        ("before filtering: 100 rows", "after filtering: 100 rows", False),
    ],
)
def test_weights_that_stay_equal(tmp_path: Path, before: str, after: str, is_event: bool) -> None:
    kinds = [seen.event.kind for seen in collect(tmp_path, before, after).seen]
    assert kinds == (["weights-unchanged"] if is_event else [])


def test_a_repeated_warning_is_one_event_with_a_count(tmp_path: Path) -> None:
    lines = [f"WARNING: tokenization mismatch: {n} vs. {n + 1}. (ignored)" for n in range(100, 150)]
    (seen,) = collect(tmp_path, *lines).seen
    assert (seen.event.count, seen.event.source.line, seen.event.value) == (50, 1, 1.0)


def test_differences_that_vary_stay_apart(tmp_path: Path) -> None:
    lines = [f"WARNING: tokenization mismatch: {n} vs. {n + d}. (ignored)" for n, d in ((100, 1), (90, 1), (80, 3))]
    seen = [seen.event for seen in collect(tmp_path, *lines).seen]
    assert [(event.value, event.count) for event in seen] == [(1.0, 2), (3.0, 1)]


def test_every_change_of_the_loss_scale_is_kept(tmp_path: Path) -> None:
    lines = [
        f"OVERFLOW! Rank 0 Skipping step. Attempted loss scale: {s}, reducing to {s // 2}" for s in (64, 32, 64, 32)
    ]
    changes = [seen.event.value for seen in collect(tmp_path, *lines).seen if seen.event.kind == "loss-scale-change"]
    assert changes == [32.0, 16.0, 32.0, 16.0]


def test_the_last_line_of_a_traceback_is_what_it_says(tmp_path: Path) -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File "a.py", line 3, in f',
        "    raise ValueError(x)",
        "a.b.MyError: no such thing",
    ]
    (seen,) = collect(tmp_path, *lines).seen
    assert (seen.event.kind, seen.event.says, seen.event.source.line) == ("exception", "a.b.MyError: no such thing", 4)


def test_secrets_do_not_enter_events(tmp_path: Path) -> None:
    (seen,) = collect(tmp_path, "ValueError: bad token hf_abcdefghijklmnopqrstuvwxyz012345").seen
    assert "hf_abc" not in seen.event.says


def test_patterns_name_known_events() -> None:
    assert {pattern.kind for pattern in PATTERNS} <= set(EVENTS)
