"""Options of sampling are given while sampling is off.

## What it sees
`temperature`, `top_p`, `top_k` or `min_p` with a value that would change something, in a `generate` call or a
`GenerationConfig` whose `do_sample` is `False`, or is not given.

## Why it matters
Greedy search ignores them, with no more than a warning. A comparison of temperatures compares one and the same
output, and answers that were meant to vary do not.

## What it does not mean
Without `do_sample` the `generation_config.json` of the model decides; those of many chat models switch sampling on,
so that this case is a hint only. `temperature=0` with sampling off says what is meant.

## Example
Bad:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    inputs = tokenizer("Once upon a time", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=64, do_sample=False, temperature=0.7)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :], skip_special_tokens=True))

Good:

    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    inputs = tokenizer("Once upon a time", return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=64, do_sample=True, temperature=0.7)
    print(tokenizer.decode(output[0, inputs.input_ids.shape[1] :], skip_special_tokens=True))

## Check it by hand
Generate twice with different temperatures: with sampling off both texts are equal.

## References
- https://huggingface.co/docs/transformers/generation_strategies
- https://huggingface.co/docs/transformers/main_classes/text_generation
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.program.generation import generations
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag, is_open, only
from trainclinic.script.program.values import Call, Constant
from trainclinic.script.rule import script_rule

NEUTRAL: dict[str, tuple[object, ...]] = {
    "temperature": (None, 0, 1),
    "top_p": (None, 0, 1),
    "top_k": (None, 0, 1, 50),
    "min_p": (None, 0),
}
"""Values that change nothing, or that stand for greedy search."""
OTHER_SEARCH = ("penalty_alpha", "num_beam_groups", "assistant_model", "prompt_lookup_num_tokens", "custom_generate")
"""Options of search methods that read some of the same options."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at the options of every generation."""
    for call, is_known in _calls(program):
        given = argument(call, "do_sample")
        ignored = [name for name in NEUTRAL if _would_matter(call, name)]
        if not ignored or call.place is None or any(argument(call, name) is not None for name in OTHER_SEARCH):
            continue
        if given is None:
            says = f"`{ignored[0]}` is given without `do_sample`, and ignored unless the folder of the model sets it"
            if is_known:
                yield Alarm(call.place, says, Certainty.HINT, mending=Mending("pass `do_sample=True`"))
        elif flag(given) is False:
            *others, last = (f"`{name}`" for name in ignored)
            names = f"{', '.join(others)} and {last} have" if others else f"{last} has"
            says = f"{names} no effect: `do_sample` is `False`"
            fixed = isinstance(given, Constant)
            edits = tuple(Edit("remove_argument", call.place, name=name) for name in ignored) if fixed else ()
            mending = Mending(
                "remove the ignored options, or pass `do_sample=True`", "safe" if fixed else "unsafe", edits
            )
            yield Alarm(call.place, says, Certainty.PROOF if fixed else Certainty.LIKELY, mending=mending)


def _calls(program: Program) -> list[tuple[Call, bool]]:
    """Calls that take the options and are not changed later, and whether all their options are in sight."""
    made = [
        (one.call, one.is_known and argument(one.call, "generation_config") is None) for one in generations(program)
    ]
    changed = any(event.key == "do_sample" for event in program.stores) or any(
        argument(call, "do_sample") is not None and argument(call, "generation_config") is not None for call, _ in made
    )
    built = [] if changed else program.calls_of("transformers.GenerationConfig")
    return made + [(call, not is_open(call)) for call in built]


def _would_matter(call: Call, name: str) -> bool:
    """Whether an option is given a number that would change what is sampled."""
    value = only(argument(call, name))
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value not in NEUTRAL[name]


def _looked(program: Program) -> bool:
    states = [flag(argument(call, "do_sample")) for call, _ in _calls(program)]
    return bool(states) and None not in states


RULE = script_rule(
    code="INF002",
    slug="ignored-sampling-flags",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("options of `generate` and of `GenerationConfig`",),
    find=find,
    looked=_looked,
    missing="a generation that says whether it samples",
    fix="safe",
)
