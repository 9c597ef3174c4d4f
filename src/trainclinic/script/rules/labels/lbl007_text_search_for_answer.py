r"""The beginning of the answer is looked for as text, or as tokens of a text that was encoded alone.

## What it sees
A string as `response_template` of `DataCollatorForCompletionOnlyLM`, a search for a separately encoded marker in the
ids of a whole text, and `find` on decoded text whose result cuts labels. Markers that begin with a special token, and
`train_on_responses_only`, give a hint only.

## Why it matters
Tokens of a text depend on what stands around it: "### Answer:" alone and after a line break are different ids. Where
the marker is not found, all labels of the row are -100; if that happens in every row, the loss is 0 or NaN.

## What it does not mean
A marker that was found in the data once, with the same line break before it, is found in every row of the same form.
The symptom is rows whose labels are all -100: count them.

## Example
Bad:

    # file: requirements.txt
    trl==0.15.2

    # file: train.py
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DataCollatorForCompletionOnlyLM, SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-hf")
    tokenizer.add_special_tokens({"pad_token": "<unk>"})
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")

    def text(row):
        return f"### Question: {row['question']}\n### Answer: {row['answer']}{tokenizer.eos_token}"

    data = load_dataset("json", data_files="pairs.jsonl", split="train")
    collator = DataCollatorForCompletionOnlyLM("### Answer:", tokenizer=tokenizer)
    arguments = SFTConfig("out", learning_rate=2e-5)
    SFTTrainer(model, arguments, train_dataset=data, formatting_func=text, data_collator=collator).train()

Good:

    # file: requirements.txt
    trl==0.15.2

    # file: train.py
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DataCollatorForCompletionOnlyLM, SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-2-7b-hf")
    tokenizer.add_special_tokens({"pad_token": "<unk>"})
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")

    def text(row):
        return f"### Question: {row['question']}\n### Answer: {row['answer']}{tokenizer.eos_token}"

    data = load_dataset("json", data_files="pairs.jsonl", split="train")
    marker = tokenizer.encode("\n### Answer:", add_special_tokens=False)[2:]
    collator = DataCollatorForCompletionOnlyLM(marker, tokenizer=tokenizer)
    arguments = SFTConfig("out", learning_rate=2e-5)
    SFTTrainer(model, arguments, train_dataset=data, formatting_func=text, data_collator=collator).train()

## Check it by hand
Collate twenty rows and count those without a label other than -100: there must be none.

## References
- https://github.com/huggingface/trl/issues/1820
- https://github.com/huggingface/trl/issues/1920
- https://github.com/huggingface/trl/issues/1191
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.models import special_tokens_in
from trainclinic.script.alarm import Alarm, Certainty, Mending
from trainclinic.script.places import Step
from trainclinic.script.program.encodings import origin_of_ids, text_of, tokenizer_of
from trainclinic.script.program.masking import IGNORED, held_values, ignores_positions, maskings
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, contains, only
from trainclinic.script.program.values import Call, Item, Operation, Span, Value
from trainclinic.script.rule import script_rule

MENDING = Mending("train on prompt-completion rows, or join separately encoded prompt and answer ids")
COLLATOR = "trl.DataCollatorForCompletionOnlyLM"
MARKED_UP = (
    "unsloth.chat_templates.train_on_responses_only",
    "unsloth.train_on_responses_only",
    "*.train_on_responses_only",
)
SEARCHES = frozenset({"find", "index", "rfind", "rindex"})


def find(program: Program) -> Iterator[Alarm]:
    """Look at templates of collators and at searches of the script."""
    for call in program.calls_of(COLLATOR):
        yield from _template_alarm(call)
    for call in program.calls_of(*MARKED_UP):
        texts = [one for one in constants(argument(call, "response_part", 2)) if isinstance(one, str)]
        if call.place is not None and texts:
            says = f"answers are found by the tokens of `{_short(texts[0])}`, encoded alone"
            yield Alarm(call.place, says, Certainty.HINT, mending=MENDING)
    if ignores_positions(program):
        yield from _searches(program)


def _template_alarm(call: Call) -> Iterator[Alarm]:
    template = argument(call, "response_template", 0)
    texts = [one for one in constants(template) if isinstance(one, str)]
    encoded = origin_of_ids(template) if not texts and not isinstance(template, Item) else None
    if encoded is not None and tokenizer_of(encoded) is not None:
        texts = [one for one in constants(text_of(encoded)) if isinstance(one, str)]
    if not texts or call.place is None:
        return
    says = f"answers are found by the tokens of `{_short(texts[0])}`, encoded without the text before it"
    certain = Certainty.HINT if encoded is not None else _certainty(texts[0])
    yield Alarm(call.place, says, certain, mending=MENDING)


def _certainty(text: str) -> Certainty:
    """A special token is one id wherever it stands."""
    return Certainty.HINT if any(at == 0 for _, at in special_tokens_in(text)) else Certainty.LIKELY


def _short(text: str) -> str:
    return repr(text)[1:-1] if len(text) <= 40 else repr(text[:37])[1:-1] + "..."


def _searches(program: Program) -> Iterator[Alarm]:
    seen: set[Value] = set()
    for event in program.events:
        tests = [condition.test for condition in event.conditions]
        for value in (*held_values(event), *tests):
            if value not in seen and isinstance(value, Operation) and value.symbol == "==":
                yield from _window_alarm(value)
            seen.add(value)
    for mask in maskings(program):
        found = contains(mask.test, _is_search_in_decoded) if only(mask.fill) == IGNORED else None
        if found is not None and found.place is not None:
            says = "a place in the decoded text is used as a place in the ids"
            flow = (Step(found.place, "counts characters"), Step(mask.place, "masks tokens"))
            yield Alarm(mask.place, says, Certainty.LIKELY, flow, mending=MENDING)


def _window_alarm(test: Operation) -> Iterator[Alarm]:
    """`ids[i : i + n] == marker` with a marker that was encoded alone."""
    for window, marker in (test.operands, test.operands[::-1]):
        if not _is_cut(window) or _is_cut(marker):
            continue
        encoded = origin_of_ids(marker)
        if encoded is None or tokenizer_of(encoded) is None:
            continue
        text = text_of(encoded)
        literal = next((one for one in constants(text) if isinstance(one, str)), None)
        name = _short(literal) if literal is not None else text.code if text is not None else "a text"
        if encoded.place is not None and test.place is not None:
            says = f"answers are found by the tokens of `{name}`, encoded without the text before it"
            flow = (Step(encoded.place, "the marker is encoded alone"), Step(test.place, "and looked for in the ids"))
            yield Alarm(test.place, says, _certainty(literal or ""), flow, mending=MENDING)


def _is_cut(value: Value) -> bool:
    return isinstance(value, Item) and isinstance(value.index, Span)


def _is_search_in_decoded(value: Value) -> bool:
    searched = value.receiver if isinstance(value, Call) and value.method in SEARCHES else None
    return isinstance(searched, Call) and searched.method in {"decode", "batch_decode"}


def _looked(program: Program) -> bool:
    return bool(program.calls_of(COLLATOR)) or any(only(mask.fill) == IGNORED for mask in maskings(program))


RULE = script_rule(
    code="LBL007",
    slug="text-search-for-answer",
    severity=Severity.WARNING,
    certainty=Certainty.LIKELY,
    needs=("`response_template` of collators", "searches for markers in ids or decoded text"),
    find=find,
    looked=_looked,
    missing="a collator that looks for answers, or a mask in labels",
)
