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
    """

    hint: str
    kind: str
    expression: str
    each: bool = False

    def search(self, line: str) -> re.Match[str] | None:
        """The match in a line; its first filled group is the event's number."""
        return _compiled(self.expression).search(line)


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
        ("torch_dtype", "dtype-warning", r"`?torch_dtype`? is deprecated|flash attention.{0,60}dtype|without specifying a torch dtype"),
        ("half", "dtype-warning", r"expected (?:scalar type|all tensors|m1 and m2).{0,60}half|input type.{0,60}half|\"\w+\" not implemented for 'Half'"),
        ("dtype", "dtype-warning", r"casting to (?:float16|float32|bfloat16)|silently cast(?:ed)?|will be cast to|dtype mismatch|upcast"),
        ("non-finite", "non-finite-warning", r"non-finite"),
        ("nan", "non-finite-warning", r"\b(?:nans?\b.{0,40}\b(?:detected|found|encountered|in (?:the )?(?:loss|grad|logits|weights))|(?:loss|grad\w*|logits|weights?) (?:is|are|became|contains?|has|have) nan|(?:detected|found|causing|contains?|with) nans?\b|nan (?:logits|loss(?:es)?|grad\w*|values|weights)\b)"),
        ("inf, nan or", "non-finite-warning", r"probability tensor contains either `?inf`?, `?nan`?"),
        # graph
        ("requires_grad=true", "no-input-gradient", r"none of the inputs have requires_grad=True"),
        ("does not require grad", "no-trainable-parameters", r"element 0 of tensors does not require grad"),
        ("trainable params: 0 ", "no-trainable-parameters", r"trainable params: 0 "),
        ("optimizer got an empty parameter list", "no-trainable-parameters", r"empty parameter list"),
        # tokens and labels
        ("pad", "pad-token-missing", r"pad(?:ding)?[_ ]token(?:_id)?`?.{0,60}(?:not set|is none|missing|eos|does not have)|does not have a pad(?:ding)? token|setting `?pad_token_id`?|no pad(?:ding)? token|asking to pad but"),
        ("loss_type=none", "loss-type-none", r"loss_type=None"),
        ("could not find response key", "response-template-missing", r"could not find response key"),
        ("could not find instruction key", "response-template-missing", r"could not find instruction key"),
        ("response template", "response-template-missing", r"response template.{0,60}not found"),
        ("ignored in loss calculation", "labels-all-ignored", r"will be ignored in loss calculation"),
        ("labels", "labels-all-ignored", r"all (?:of the )?labels.{0,40}(?:-100|ignored|masked)|labels (?:are|is) all -100|no (?:target|label) tokens"),
        ("-100", "labels-all-ignored", r"all (?:the )?(?:labels|targets|tokens).{0,40}-100"),
        ("tokenization mismatch", "labels-all-ignored", r"tokenization mismatch: (\d+) vs\. \d+"),
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
        ("cache_size_limit", "backend-fallback", r"cache_size_limit"),
        ("falling back", "backend-fallback", r"falling back to"),
        ("error: argument", "exception", r"^\S+: error: argument"),
        ("error: unrecognized arguments", "exception", r"^\S+: error: unrecognized arguments"),
        ("error: the following arguments", "exception", r"^\S+: error: the following arguments are required"),
        # course of the run
        ("resum", "resume", r"resum(?:ing|ed) (?:training |run )?from(?: \S+ at (?:step )?(\d+))?|resuming (?:training|at)|resume_from_checkpoint.{0,5}(?:found|loading)"),
        ("continuing training from", "resume", r"continuing training from (?:checkpoint|global_step|epoch)"),
        ("will skip the first", "resume", r"will skip the first"),
        ("restarting from", "resume", r"restarting from"),
        ("loading checkpoint from", "resume", r"load(?:ing|ed) (?:model |training |optimizer )*(?:checkpoint|state)s? from \S*(?:checkpoint|ckpt|step)"),
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
