"""Circumstances of model and tokenizer: embeddings, special tokens, templates, merged and exported weights."""

from __future__ import annotations

import re

from trainclinic.catalogue.circumstance import Circumstance
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Verdict
from trainclinic.findings.stated import absent, by_flag, is_adapter_method, mentioned, other_settings, present, shown
from trainclinic.record.source import Source
from trainclinic.signals.measured import Measured
from trainclinic.signals.pretrained_families import is_chat_model, ties_embeddings

EMBEDDINGS = re.compile(r"embed|lm_head|\bwte\b|output_layer|word_embeddings", re.I)
PLAIN_TEMPLATES = ("default", "alpaca", "vicuna", "empty", "none", "raw")
"""Templates of plain words, which need no token that a base model does not know."""
_EXPORTED = r"gguf|merged|(?:^|[-_/])awq|gptq"

_EXPORT_FILES = r"\.gguf$|(?:^|/)modelfile$|(?:^|/)merged?(?:[_.-](?:model|lora|adapter|weights))?(?:\.\w+$|/|$)"


def _tied(run: Measured) -> Verdict:
    stated = by_flag(run, "tied_embeddings")
    if stated is not None:
        return stated
    for name in ("model_name", "model_type"):
        fact = run.record.facts.get(name)
        known = ties_embeddings(str(fact.value)) if fact is not None else None
        if fact is not None and known is not None:
            because = "the family shares one matrix" if known else "the family has two matrices"
            return present(fact, because) if known else absent(fact, because)
    return NotEvaluated("whether the embeddings are one tensor (`tie_word_embeddings` of config.json)")


def _saved_embeddings(run: Measured) -> Verdict:
    saved = run.record.facts.get("lora_modules_to_save")
    if saved is not None:
        return present(saved) if EMBEDDINGS.search(str(saved.value)) else absent(saved)
    for fact in other_settings(run, "modules_to_save"):
        if str(fact.value).lower() in ("null", "none", "[]", ""):
            return absent(fact)
    method = run.record.facts.get("method")
    if method is not None and is_adapter_method(run) is False:
        return absent(method, "no adapter is saved beside the embeddings")
    return NotEvaluated("the modules saved beside the adapter (`modules_to_save`)")


def _template_on_base(run: Measured) -> Verdict:
    template, model = run.record.facts.get("chat_template"), run.record.facts.get("model_name")
    kind = is_chat_model(str(model.value)) if model is not None else None
    if model is not None and kind is not None and kind[0]:
        return absent(model, kind[1])
    if template is not None and str(template.value).lower() in PLAIN_TEMPLATES:
        return absent(template, "a template of plain words")
    if template is not None and model is not None and kind is not None:
        return Present((shown(template), shown(model, kind[1])))
    if template is None:
        return NotEvaluated("the chat template")
    return NotEvaluated("whether the model was tuned on dialogues (its public name)")


def _pad_is_end(run: Measured) -> Verdict:
    facts = run.record.facts
    pad, end = facts.get("pad_token"), facts.get("eos_token")
    if pad is None or end is None:
        pad = next((f for f in other_settings(run, "pad_token_id") if _is_number(f.value)), None)
        end = next((f for f in other_settings(run, "eos_token_id") if _is_number(f.value)), None)
    if pad is not None and end is not None:
        evidence = (shown(pad), shown(end))
        return Present(evidence) if pad.value == end.value else Absent(evidence)
    said = (
        r"pad(?:ding)?[_ ]token`?.{0,40}(?:set|setting|to|=).{0,20}eos[_ ]token(?!_id)|using (?:the )?eos.{0,10} as pad"
    )
    seen = mentioned(run, said, "the log says that padding uses the end token")
    return seen or NotEvaluated("the padding and end tokens (tokenizer_config.json)")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _added(run: Measured) -> Verdict:
    stated = run.record.facts.rivals("adds_tokens")
    for fact in stated:
        if fact.value:
            return present(fact)
    for event in run.record.events_of("embedding-resized"):
        return Present((Evidence("the embedding was resized", event.source, event.step),))
    return absent(stated[0]) if stated else NotEvaluated("whether tokens were added (`new_special_tokens`)")


def _exported(run: Measured) -> Verdict:
    record = run.record
    stated = by_flag(run, "merges_adapter")
    if isinstance(stated, Present):
        return stated
    model = record.facts.get("model_name")
    if model is not None and re.search(_EXPORTED, str(model.value), re.I):
        return present(model)
    for fact in record.other_facts:
        telling = re.search(r"(?:^|[._])(?:outtype|outfile|export|gguf|quantization_method)", fact.name, re.I)
        if telling and str(fact.value).lower() not in ("false", "none", "null", "", "0.0"):
            return present(fact)
    for one in record.generations:
        if re.search(r"\bmerged?\b|\bexport|gguf|ollama|llama\.cpp|vllm|converted", one.label, re.I):
            return Present((Evidence(f"an output is labelled `{one.label}`", one.source),))
    for path in record.files:
        if re.search(_EXPORT_FILES, path, re.I):
            return Present((Evidence(f"the run has the file `{path}`", Source(path)),))
    seen = mentioned(
        run, r"\bmerg(?:e|ed|ing) (?:the )?(?:adapter|lora)|\.gguf\b", "the log speaks of a merge or an export"
    )
    return seen or stated or NotEvaluated("whether the model was merged or exported after training")


CIRCUMSTANCES: tuple[Circumstance[Measured], ...] = (
    Circumstance(
        code="CIR926",
        slug="tied-embeddings",
        title="Input and output embeddings are one tensor.",
        matters="Saving, merging or training one of the two then changes or loses the other.",
        needs=("tied_embeddings", "model_name", "model_type"),
        check=_tied,
    ),
    Circumstance(
        code="CIR927",
        slug="embeddings-in-modules-to-save",
        title="Embeddings or the output head are trained and saved beside the adapter.",
        matters="They are copies, which a merge or a reload can leave behind; without them new tokens stay untrained.",
        needs=("lora_modules_to_save", "method"),
        check=_saved_embeddings,
    ),
    Circumstance(
        code="CIR928",
        slug="chat-template-on-base-model",
        title="A chat template is used with a model that was never tuned on dialogues.",
        matters="The template's tokens are untrained in such a model.",
        needs=("chat_template", "model_name"),
        check=_template_on_base,
    ),
    Circumstance(
        code="CIR929",
        slug="pad-token-equal-to-end-token",
        title="The padding token is the end token.",
        matters="Where pads are masked, the end is masked with them, and the model never learns to stop.",
        needs=("pad_token", "eos_token", "pad_token_id", "eos_token_id", "events"),
        check=_pad_is_end,
    ),
    Circumstance(
        code="CIR934",
        slug="added-tokens",
        title="Tokens were added to the vocabulary.",
        matters="Their rows start untrained, and ids may lie beyond the embedding.",
        needs=("adds_tokens", "embedding-resized events"),
        check=_added,
    ),
    Circumstance(
        code="CIR938",
        slug="merged-or-exported-model",
        title="The model was merged, converted or exported after training.",
        matters="What is wrong only afterwards was not caused by training.",
        needs=("merges_adapter", "model_name", "settings of converters", "labels of generated texts", "files"),
        check=_exported,
    ),
)
