# ruff: noqa: E501 (one expression a line: a table to be read downwards)
"""Log lines that carry meaning, as data: a cheap word, an expression, the event, and which group is its number.

Sources of the wordings: transformers, peft, trl, accelerate, DeepSpeed, apex, torch and unsloth as of 2023-2026.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Pattern(NamedTuple):
    """One kind of telling line.

    Attributes:
        hint: Lower-case text that every such line holds: tested before the expression, on whole blocks of lines.
        kind: A name of `vocabulary.EVENTS`.
        expression: What the line must match; compiled when a text first holds the hint.
        each: Whether every line is kept when its number differs from the one before it.
        difference: Whether the event's number is what the second group has more than the first.
    """

    hint: str
    kind: str
    expression: str
    each: bool = False
    difference: bool = False

    def search(self, line: str) -> re.Match[str] | None:
        """The match in a line."""
        return _compiled(self.expression).search(line)

    def number(self, found: re.Match[str]) -> float | None:
        """The event's number: the last filled group of a match, or the difference of the first two."""
        numbers = [number_of(group) for group in found.groups() if group]
        if not self.difference:
            return numbers[-1] if numbers else None
        first, second = [*numbers, None, None][:2]
        return None if first is None or second is None else second - first


def number_of(text: str) -> float | None:
    """A number as logs print it, or `None` for what only looks like one."""
    try:
        return float(text.replace(",", "").rstrip(".e+"))
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.I)


_SKIPPED = r"overflow.{0,40}skipping step"
# A change is one only when the new scale differs from the attempted one; apex names the new scale alone.
_SCALE_CHANGED = (
    _SKIPPED + r"(?:.{0,20}attempted loss scale: ([\d.e+]+),.{0,20}?reducing to (?!\1(?![\d.]))([\d.e+]+)"
    r"|(?!.*attempted).{0,60}?reducing loss scale to ([\d.e+]+))"
)

PATTERNS = tuple(
    Pattern(*row)
    for row in (
        # weights
        ("newly initialized", "weights-newly-initialised", r"newly initialized"),
        ("not initialized from the", "weights-newly-initialised", r"not initialized from the (?:model )?checkpoint"),
        ("missing keys", "weights-newly-initialised", r"missing keys.{0,20}[:\[]\s*\[?['\"\w]"),
        ("were not used when initializing", "weights-unused", r"were not used when initializing"),
        ("unexpected keys", "weights-unused", r"unexpected keys.{0,20}[:\[]\s*\[?['\"\w]"),
        ("embedding", "embedding-resized", r"resiz(?:e|ed|ing) (?:the )?(?:token )?embedding|embedding dimension will be"),
        # precision
        ("overflow", "optimizer-step-skipped", _SKIPPED + r".*?(?:reducing.{0,20}? to|->)\s*([\d.e+]+)"),
        ("overflow", "loss-scale-change", _SCALE_CHANGED, True),
        ("overflow", "gradient-overflow", r"(?:gradient|grad).{0,20}overflow"),
        ("overflow", "optimizer-step-skipped", r"skipp(?:ed|ing) (?:the )?(?:optimizer )?(?:step|update)"),
        ("loss scale", "loss-scale-floor", r"current loss scale already at minimum|loss scale.{0,40}minimum|minimum loss scale"),
        ("loss scale", "loss-scale-floor", r"loss scale: 1, reducing to 1(?!\d)"),
        ("unscale fp16 gradients", "exception", r"attempting to unscale fp16 gradients"),
        ("unscale fp16 gradients", "gradient-unscale-refused", r"attempting to unscale fp16 gradients"),
        ("torch_dtype", "dtype-warning", r"`?torch_dtype`? is deprecated|flash attention.{0,60}dtype|without specifying a torch dtype"),
        ("half", "dtype-warning", r"expected (?:scalar type|all tensors|m1 and m2).{0,60}half|input type.{0,60}half|\"\w+\" not implemented for 'Half'"),
        ("dtype", "dtype-warning", r"casting to (?:float16|float32|bfloat16)|silently cast(?:ed)?|will be cast to|dtype mismatch|upcast"),
        ("non-finite", "non-finite-warning", r"non-finite"),
        ("nan", "non-finite-warning", r"\b(?:nans?\b.{0,40}\b(?:detected|found|encountered|in (?:the )?(?:loss|grad|logits|weights))|(?:loss|grad\w*|logits|weights?) (?:is|are|became|contains?|has|have) nan|(?:detected|found|causing|contains?|with) nans?\b|nan (?:logits|loss(?:es)?|grad\w*|values|weights)\b)"),
        ("probability tensor", "non-finite-warning", r"probability tensor contains either `?inf`?, `?nan`?"),
        # graph
        ("requires_grad=true", "no-input-gradient", r"none of the inputs have requires_grad=True"),
        ("does not require grad", "no-trainable-parameters", r"element 0 of tensors does not require grad"),
        ("trainable params: 0 ", "no-trainable-parameters", r"trainable params: 0 "),
        ("optimizer got an empty parameter list", "no-trainable-parameters", r"empty parameter list"),
        # tokens and labels
        ("pad", "pad-token-missing", r"pad(?:ding)?[_ ]token(?:_id)?`?.{0,60}(?:not set|is none|missing|eos|does not have)|does not have a pad(?:ding)? token|setting `?pad_token_id`?|no pad(?:ding)? token|asking to pad but"),
        ("loss_type=none", "loss-type-none", r"loss_type=None"),
        ("could not find response", "response-template-missing", r"could not find response (?:key|template|marker)"),
        ("could not find instruction key", "response-template-missing", r"could not find instruction key"),
        ("response template", "response-template-missing", r"response template.{0,60}not found"),
        ("response_template", "response-template-missing", r"response_template\b.{0,80}not found"),
        ("ignored in loss calculation", "labels-all-ignored", r"^(?!.*could not find)(?!.*-100).*(?:instance|sample|row|example)s? will be ignored in loss calculation"),
        ("labels", "labels-all-ignored", r"(?:all|most) (?:of the |vlm |the )*labels\b.{0,40}(?:-100|ignored|masked)|labels (?:are|is) all -100|no (?:target|label) tokens"),
        ("-100", "labels-all-ignored", r"all (?:the )?(?:labels|targets|tokens).{0,40}-100"),
        ("tokens", "labels-all-ignored", r"\b(?:no|(?<![\d.,])0) (?:valid |unmasked |trainable |supervised |non-masked |target |label |completion ){1,2}tokens\b"),
        ("target_tokens", "labels-all-ignored", r"(?:num_)?target_tokens\W{1,3}0(?![\d.])"),
        ("tokenization mismatch", "token-count-mismatch", r"tokenization mismatch\D{1,20}(\d+) vs\.? (\d+)", True, True),
        ("mismatch between tokenized prompt", "token-count-mismatch", r"mismatch between tokenized prompt and the start of tokenized prompt\+"),
        ("loss mask", "end-token-outside-mask", r"does not include the assistant turn's end-of-turn token in the loss mask"),
        ("not part of the assistant mask", "end-token-outside-mask", r"(?:end-of-turn|stop|eos|end) token is not part of the assistant mask"),
        ("is_chat_template_stop_token_trained", "end-token-outside-mask", r"is_chat_template_stop_token_trained\W{1,4}(?:returned\W+)?false"),
        ("untrained tokens", "tokens-untrained", r"untrained tokens\b.{0,400}\bfound"),
        ("cloning chat template added new tokens", "tokens-untrained", r"added new tokens to the tokenizer, but 'lm_head' is not in"),
        ("lora_modules_to_save", "tokens-untrained", r"set lora_modules_to_save to .{1,80}when using an adapter and changing the special tokens"),
        ("padding_side", "padding-side-refused", r"batched generation with padding_side\s*=\s*.?(?:right|left)"),
        ("right-padding was detected", "padding-side-refused", r"decoder-only architecture is being used, but right-padding was detected"),
        ("cuda is not available", "mixed-precision-disabled", r"(?:gradscaler is enabled|device_type of ['\"]?cuda['\"]?).{0,60}cuda is not available.{0,20}disabl"),
        ("disabling", "mixed-precision-disabled", r"(?:in )?\w{0,8} ?autocast, but the target dtype is not supported\. disabling"),
        ("cudnn sdpa", "cudnn-attention", r"\bcudnn sdpa\b"),
        ("padding-free", "packing-unprotected", r"padding-free training is enabled, but the attention implementation is not"),
        ("using packing", "packing-unprotected", r"using packing, but the attention implementation is not"),
        ("padding_free", "packing-unprotected", r"passing.{0,30}`?padding_free=True`?.{0,50}not recommended"),
        ("sample_packing", "packing-unprotected", r"sample_packing without .{1,80} does not handle cross.?(?:attention|sample)"),
        ("cross-contamination", "packing-unprotected", r"pack\w*.{0,200}(?:may|can|will) lead to cross-contamination"),
        ("_token_id", "token-id-named", r"\b(?:eos|pad|bos|unk|mask)_token_id\b\W{1,4}(\d{2,7})(?![\d.])", True),
        ("input_ids", "token-id-named", r"(?:\bmax\(input_ids\)|input_ids(?:\.max\(\)| max(?:imum)?))\W{1,4}(\d{2,7})(?![\d.])", True),
        (" id", "token-id-named", r"\b(?:(?:max(?:imum)?|largest|highest) (?:token|input) ids?|(?:eos|pad|bos) (?:token )?id)\W{1,4}(\d{2,7})(?![\d.])", True),
        ("max_token_id", "token-id-named", r"max_token_id\W{1,4}(\d{2,7})(?![\d.])", True),
        ("len(tokenizer)", "tokenizer-size", r"len\(tokenizer\)\W{1,4}(\d{3,7})(?![\d.])", True),
        ("tokenizer", "tokenizer-size", r"\btokenizer (?:vocab(?:ulary)?(?: size)?|size|length|has)\W{1,4}(\d{3,7})(?![\d.])", True),
        ("out of vocabulary", "token-outside-vocabulary", r"token id (\d+) is out of vocabulary"),
        ("vocab size mismatch", "token-outside-vocabulary", r"vocab size mismatch \(model has (\d+),? but .{1,160} has (\d+)\)", True, True),
        ("is out of bounds for", "token-outside-vocabulary", r"index (\d{4,7}) is out of bounds for (?:dimension|axis) \d+ with size \d{4,7}"),
        # merge
        ("-bit linear", "quantised-merge", r"merge \w+ module to (\d)-bit linear may get different"),
        ("merging into 4bit", "quantised-merge", r"merging into (4)bit will cause your model to lose accuracy"),
        ("merg", "adapter-merged", r"\bmerged \d+ adapters?\b|running merge of lora|merging (?:the )?(?:lora|adapter|4bit and lora)|merge_and_unload\(\)"),
        ("sequence length is longer", "sequence-too-long", r"sequence length is longer than the specified maximum.{0,80}\((\d+) >"),
        ("longer than", "sequence-too-long", r"(?:sequence|input|prompt|sample)s?.{0,40}(?:is|are) longer than"),
        ("exceeds", "sequence-too-long", r"(?:sequence|input|prompt)(?:_len| length).{0,40}exceeds"),
        # device
        ("out of memory", "out-of-memory", r"out of memory|OutOfMemoryError"),
        ("outofmemory", "out-of-memory", r"OutOfMemory"),
        ("device-side assert", "device-side-assert", r"device-side assert"),
        ("srcselectdimsize", "device-side-assert", r"srcIndex < srcSelectDimSize"),
        ("n_classes", "device-side-assert", r"assertion `?t >= 0 && t < n_classes"),
        ("index out of range in self", "device-side-assert", r"index out of range in self"),
        ("mps", "backend-fallback", r"(?:will )?fall(?:s|ing)? back to (?:run on the )?cpu|PYTORCH_ENABLE_MPS_FALLBACK"),
        ("_limit", "recompilation-limit", r"\bhit config\.\w*(?:cache_size|recompile)_limit(?: \((\d+)\))?|(?:cache_size|recompile)_limit reached|recompile limit hit"),
        ("recompilation cache limit", "recompilation-limit", r"hit recompilation cache limit \((\d+)\)"),
        ("distinct sizes", "recompilation-limit", r"we have observed (\d+) distinct sizes"),
        ("tf.function retracing", "recompilation-limit", r"triggered tf\.function retracing"),
        ("recompil", "recompilation-limit", r"\brecompil(?:es|ations?)\W{1,4}([1-9]\d+)(?![\d.])"),
        ("recompiling function", "recompilation-limit", r"recompiling function \S+ in "),
        ("falling back", "backend-fallback", r"falling back to"),
        ("error: argument", "exception", r"^\S+: error: argument"),
        ("error: unrecognized arguments", "exception", r"^\S+: error: unrecognized arguments"),
        ("error: the following arguments", "exception", r"^\S+: error: the following arguments are required"),
        # course of the run
        ("resum", "resume", r"resum(?:ing|ed) (?:training |run )?from(?: \S+ at (?:step )?(\d+))?|resuming (?:training|at)|resume_from_checkpoint.{0,5}(?:found|loading)"),
        ("continuing", "resume", r"continuing (?:training |run |fine-?tuning )*(?:from|at) (?:the )?(?:last |latest |saved )?(?:checkpoint|ckpt|global_?step|epoch|\S*(?:checkpoint|ckpt)[-_/]?\d+)"),
        ("will skip the first", "resume", r"will skip the first"),
        ("restarting from", "resume", r"restarting from"),
        ("checkpoint", "resume", r"load(?:ing|ed) (?:model |training |optimizer )*(?:checkpoint|state)s? from \S*(?:checkpoint|ckpt|step)"),
        ("restoring states", "resume", r"restoring states from the checkpoint(?: path)? at \S*?(?:step=(\d+))?"),
        ("checkpoint @", "resume", r"loading checkpoint @ "),
        ("restored from", "resume", r"(?:states?|optimizer|training|model|run) restored from \S*(?:checkpoint|ckpt|step)"),
        ("starting from step", "resume", r"starting from step ([1-9]\d*)"),
        ("new process", "resume", r"^\W*new process\W*$"),
        ("early stop", "early-stop", r"early stop(?:ping|ped)(?! patience)(?:.{0,40}(?:trigger|stop|at|after|reached)|!|\.|$)"),
        ("keyboardinterrupt", "interrupted", r"^KeyboardInterrupt"),
        ("sigterm", "interrupted", r"SIGTERM|signal 15"),
        ("due to time limit", "interrupted", r"DUE TO TIME LIMIT"),
        ("due to preemption", "interrupted", r"DUE TO PREEMPTION"),
        ("oom-kill", "out-of-memory", r"oom[-_]kill"),
        ("training complete", "training-finished", r"^\W*(?:\w+\W+){0,2}training completed?\b"),
        ("training finished", "training-finished", r"training finished"),
        ("finished training", "training-finished", r"finished training"),
        ("training done", "training-finished", r"training done"),
        ("do not forget to share your model", "training-finished", r"Training completed"),
        ("deprecated", "deprecated-setting", r"(?:Future|Deprecation|User)Warning.{0,200}deprecated|is deprecated and will be (?:removed|ignored)|has been renamed"),
        ("warning:", "warning", r"^(?:\S+:\d+: )?(?!Future|Deprecat|PendingDeprec)\w*Warning: \S"),
        ("has no effect", "deprecated-setting", r"has no effect|will be ignored"),
    )
)  # fmt: skip
EXCEPTION = re.compile(
    r"^(?:\[?rank\d+\]?:\s*)?((?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Failure|Signals)\b(?::.*)?|\w+\.\w+\.(?:\w+\.)*\w+Error.*)$"
)
"""The last line of a traceback."""
RAISED = re.compile(r"^\s*(?:\[?rank\d+\]?:\s*)?(?:\w+\.)*\w+(?:Error|Exception): \S")
"""An error line that stands alone, its traceback cut away."""
CHECKPOINT = re.compile(
    r"(?:sav(?:ed|ing)|wrote|writing|checkpoint saved)\b[^:\n]{0,60}?(?:\b(?:to|in|at|as)\b|:)\s*[`'\"]?([^\s`'\",]+)",
    re.I,
)
ELEMENTS_NAN = re.compile(r"\belements?\s*:?\s*([\d,]+),?\s*(?:of which )?(?:nan|non-finite|inf)s?:?\s*([\d,]+)", re.I)
NORMS_ABOVE = re.compile(r"lora_?B?\b.{0,40}norm\s*>\s*[\de.-]+:\s*(\d+) of (\d+)", re.I)
BEFORE_AFTER = re.compile(
    r"^\s*(?=.{0,200}(?:weight|lora|adapter|param|tensor|md5|sha\d|checksum))(?:\w+ )?(before|after)\b[^:=]{0,40}[:=]\s*(.{3,})$",
    re.I,
)
"""Two lines that show the same weights; other things that stay equal (a count of rows) mean nothing."""
