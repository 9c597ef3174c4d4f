"""PLAN.md: what to do in which order, why, what should be seen then, and what stays as it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from trainclinic.catalogue.wording import inside
from trainclinic.fixes.case import OpenTest
from trainclinic.fixes.catalogue import all_fixes
from trainclinic.fixes.choice import Chosen
from trainclinic.fixes.files.script import NAME, QUICK_STEPS, VALIDATION_NAME
from trainclinic.fixes.fix import START_AGAIN, Fix
from trainclinic.fixes.prescription import Prescription
from trainclinic.recipe.keys import Value, all_keys
from trainclinic.recipe.write import written

PLAN = "PLAN.md"
ANSWERING = (None, "question-answer", "instruction", "messages", "prompt-completion")
"""Forms of rows that teach answers, which can be looked up instead; most rows of an unknown form do."""
RETRIEVAL = "answer-by-retrieval"
EXAMPLE_DATA = "train.jsonl"
"""Name of the training data in commands, which the file of the run takes the place of."""


def plan(prescription: Prescription, files: Sequence[tuple[str, str]], *, why_no_script: str = "") -> str:
    """The plan as Markdown.

    Args:
        prescription: What the run needs.
        files: Names of the files beside it, each with what it is.
        why_no_script: Why there is no training script among them; empty when there is one.
    """
    lines = [f"# Plan for `{prescription.case.name}`", ""]
    for part in (
        _short(prescription),
        _settle(prescription),
        _changes(prescription),
        _precautions(prescription),
        _conditional(prescription),
        _longer(prescription),
        _alternatives(prescription),
        _recipe(prescription),
        _stays(prescription),
        _quick_test(prescription, files),
        _checkpoints(prescription),
        _checklist(prescription, files),
        _files(files, why_no_script),
    ):
        lines.extend(part)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _short(prescription: Prescription) -> Iterator[str]:
    case, leading = prescription.case, prescription.leading
    yield f"**{case.verdict.capitalize()}**: {case.reason}."
    yield ""
    if prescription.state == "nothing to fix":
        yield "Nothing is prescribed: what the log shows is what such a run should show."
    elif prescription.state == "test first" or leading is None:
        yield (
            "**The evidence does not decide what is wrong. No change is prescribed: a guess could hide the fault. The "
            "plan is the test below; run it, then diagnose again.**"
        )
    else:
        yield f"- Most probable cause: {inside(leading.title)} ({leading.probability:.0%})"
        first = prescription.choice.immediate[0].fix if prescription.choice.immediate else None
        if first is not None:
            yield f"- First thing to do: {inside(first.title)}"
        yield f"- {START_AGAIN[prescription.restart]}"
    yield ""


def _settle(prescription: Prescription) -> Iterator[str]:
    tests = prescription.case.tests
    if prescription.state == "nothing to fix" or not tests or not prescription.tests_first:
        return
    first, leading = tests[0], prescription.leading
    yield "## Settle this first"
    yield ""
    if prescription.state == "treat" and leading is not None:
        yield (
            f"The changes below depend on a cause that is probable ({leading.probability:.0%}) and not proved. The "
            f"cheapest test that would decide it takes {first.minutes:g} min:"
        )
    else:
        yield f"The cheapest test that would tell the causes apart, {first.minutes:g} min:"
    yield ""
    yield from _test(first)
    if prescription.state == "test first":
        for further in tests[1:3]:
            yield f"Next, {further.minutes:g} min:"
            yield ""
            yield from _test(further)


def _test(test: OpenTest) -> Iterator[str]:
    yield f"**{test.title}**"
    yield ""
    yield from _fenced(test.how, "python" if test.is_code else "")
    for word, titles in (("yes", test.yes), ("no", test.no)):
        if titles:
            yield f"- {word} points to {', or '.join(inside(title) for title in titles)}"
        elif test.yes or test.no:
            yield f"- {word} speaks against that"
    yield ""


def _changes(prescription: Prescription) -> Iterator[str]:
    chosen = prescription.choice.immediate
    if prescription.state != "treat" or not chosen:
        return
    yield "## What to change now"
    yield ""
    yield "| | change | against | worth | work | risk |"
    yield "|---|---|---|---|---|---|"
    for one in chosen:
        against = "; ".join(f"{inside(s.title)} ({s.probability:.0%})" for s in one.treats)
        yield (
            f"| {one.priority} | {one.fix.title} | {_cell(against)} | {one.worth:.2f} | {one.fix.minutes:g} min | "
            f"{_cell(one.fix.risk)} |"
        )
    yield ""
    yield "Worth is the probability of what a change treats times the share of such runs that work after it."
    yield ""
    for one in chosen:
        yield from _chosen(prescription, one)


def _chosen(prescription: Prescription, one: Chosen) -> Iterator[str]:
    fix = one.fix
    yield f"### {one.priority}. {fix.title}"
    yield ""
    yield f"{fix.change}."
    yield ""
    why = {treats.cause: treats.why for treats in fix.treats}
    for suspect in one.treats:
        yield f"- Why: {inside(suspect.title)} is treated, because {why[suspect.slug]}"
    for text in prescription.expectations(one):
        yield f"- Expect: {text}"
    yield f"- Check: {inside(fix.check)}"
    yield f"- More: `trainclinic explain {fix.slug}`"
    yield ""
    if prescription.case.lines and fix.kind == "script":
        yield "In your script:"
        yield ""
        yield from (f"- `{line.place}`: {line.says}" for line in prescription.case.lines)
        yield ""
    yield from _edit(fix)
    yield from _commands(fix, prescription)


def _edit(fix: Fix) -> Iterator[str]:
    if fix.edit is not None:
        yield "Before:"
        yield ""
        yield from _fenced(fix.edit.before, "python")
        yield "After:"
        yield ""
        yield from _fenced(fix.edit.after, "python")
        if fix.edit.note:
            yield fix.edit.note
            yield ""


def _commands(fix: Fix, prescription: Prescription) -> Iterator[str]:
    """Commands to copy, with the data file of this run in the place of the usual name."""
    mine = prescription.recipe.data.train
    named = shlex.quote(mine) if mine else EXAMPLE_DATA
    if fix.commands:
        yield from _fenced("\n".join(line.replace(EXAMPLE_DATA, named) for line in fix.commands), "bash")


def _precautions(prescription: Prescription) -> Iterator[str]:
    chosen = prescription.choice.precautions
    if prescription.state != "treat" or not chosen:
        return
    yield "## Precautions that cost nothing"
    yield ""
    yield "Less likely faults that would spoil the next run as well; the new script has them built in:"
    yield ""
    for one in chosen:
        against = ", ".join(f"{inside(s.title)} ({s.probability:.0%})" for s in one.treats[:3])
        yield f"- **{one.fix.title}** against {against}: {inside(one.fix.change)}"
    yield ""


def _conditional(prescription: Prescription) -> Iterator[str]:
    chosen = prescription.choice.conditional
    if not chosen or prescription.state == "nothing to fix":
        return
    yield "## Only if the evidence points there"
    yield ""
    yield "These depend on causes that are possible and not probable. Do not make them before a test says so."
    yield ""
    yield "| change | only if it is | probability | how to decide |"
    yield "|---|---|---|---|"
    for one in chosen:
        suspect = one.treats[0]
        test = next((t for t in prescription.case.tests if suspect.slug in t.moves), None)
        decide = inside(test.title) if test else f"`trainclinic explain {suspect.slug}`"
        yield f"| {one.fix.title} | {inside(suspect.title)} | {suspect.probability:.0%} | {_cell(decide)} |"
    yield ""


def _longer(prescription: Prescription) -> Iterator[str]:
    chosen = prescription.choice.longer
    if prescription.state != "treat" or not chosen:
        return
    yield "## Longer term"
    yield ""
    yield "| | change | why | work |"
    yield "|---|---|---|---|"
    for one in chosen:
        why = {treats.cause: treats.why for treats in one.fix.treats}
        yield f"| {one.priority} | {one.fix.title} | {_cell(why[one.treats[0].slug])} | {one.fix.minutes:g} min |"
    yield ""


def _alternatives(prescription: Prescription) -> Iterator[str]:
    if prescription.state != "treat":
        return
    taken = {one.fix.slug for one in prescription.choice.immediate}
    slugs = [slug for one in prescription.choice.immediate for slug in one.fix.alternatives if slug not in taken]
    if prescription.recipe.data.form in ANSWERING and prescription.changes_training:
        slugs.append(RETRIEVAL)
    if not slugs:
        return
    yield "## Other ways"
    yield ""
    for slug in dict.fromkeys(slugs):
        fix = all_fixes()[slug].fix
        yield f"### {fix.title}"
        yield ""
        yield f"{fix.change}."
        yield ""
        yield from (f"- for it: {text}" for text in fix.pros)
        yield from (f"- against it: {text}" for text in fix.cons)
        yield ""
        yield from _commands(fix, prescription)


def _recipe(prescription: Prescription) -> Iterator[str]:
    if not prescription.changes:
        return
    yield "## What changes in the recipe"
    yield ""
    yield "| setting | before | after | why |"
    yield "|---|---|---|---|"
    for change in prescription.changes:
        yield (
            f"| `{change.key}` | {_value(change.key, change.before)} | {_value(change.key, change.after)} | "
            f"{_cell(change.why)} |"
        )
    yield ""
    yield "`unknown` means that the files of the run do not say it."
    yield ""


def _stays(prescription: Prescription) -> Iterator[str]:
    if not prescription.stays:
        return
    yield "## What stays as it is, and why"
    yield ""
    for one in prescription.stays:
        known = [(key, value) for key, value in zip(one.keys, one.values, strict=True) if value is not None]
        named = ", ".join(f"`{key}` ({_value(key, value)})" for key, value in known) or ", ".join(
            f"`{key}`" for key in one.keys
        )
        yield f"- {named}"
        yield from (f"  - ruled out: {inside(refuted.title)}. Read: {refuted.because}" for refuted in one.refuted)
    yield ""


def _quick_test(prescription: Prescription, files: Sequence[tuple[str, str]]) -> Iterator[str]:
    if NAME not in dict(files):
        return
    model, data = prescription.recipe.model.name, prescription.recipe.data.train
    missing = [option for option, value in (("--model MODEL", model), ("--data FILE", data)) if not value]
    yield "## Quick test"
    yield ""
    yield from _fenced(" ".join(["python", NAME, "--quick-test", *missing]), "bash")
    yield f"It takes {QUICK_STEPS} steps, saves nothing, and prints one line for each check. Expected:"
    yield ""
    trained = [one for one in prescription.choice.immediate if one.fix.restart == prescription.restart]
    told = [text for one in trained for text in prescription.expectations(one)]
    yield from (f"- {text}" for text in dict.fromkeys(told))
    yield "- the last line begins with `quick test: PASSED`"
    yield ""
    yield "How to read it:"
    yield ""
    first_loss, logged = prescription.case.first_loss, prescription.case.numbers.get("logged_first_loss")
    if first_loss is not None:
        low, high, whose = first_loss
        yield f"- first loss in {low:g}-{high:g}, where intact starts of {whose} lie: the fault is gone, train on"
        if logged is not None:
            yield f"- first loss near {logged} again: the fault is still there, whatever else was changed"
        yield "- first loss in between: unusual text for this model, or a second fault is left: diagnose the new log"
    else:
        yield "- the first loss is finite and falls: the fault is gone, train on"
    yield "- a check says `FAILED`: the script stops before it trains and names what is wrong"
    yield ""


def _checkpoints(prescription: Prescription) -> Iterator[str]:
    if prescription.state == "test first":
        return
    case, restart = prescription.case, prescription.restart
    yield "## Which checkpoint"
    yield ""
    if prescription.state == "nothing to fix":
        yield "No checkpoint is distrusted." if not case.distrusted else "Not to be used before it is evaluated again:"
    elif restart == "nothing":
        leading = prescription.choice.immediate[0].treats[0]
        many = f"all {case.saved} checkpoints" if case.saved > 1 else "all checkpoints"
        spoiled = prescription.choice.immediate[0].fix.spoils or f"trained under the fault ({inside(leading.title)})"
        yield f"{START_AGAIN[restart]}. Ignore {many} of this run: every one of them was {spoiled}."
    else:
        yield f"{START_AGAIN[restart]}."
    yield ""
    if case.best is not None and restart != "nothing":
        where = f"`{case.best.path}`" if case.best.path else f"step {case.best.step:,}"
        yield f"- best: {where}: {case.best.why}"
        if case.best.path and restart not in {"no training", "nothing"}:
            yield f"- go on from it with `python {NAME} --resume {case.best.path}`"
    if restart != "nothing":
        for one in case.distrusted:
            where = f"`{one.path}`" if one.path else f"step {one.step:,}"
            yield f"- ignore {where}: {one.why}"
    yield ""


def _checklist(prescription: Prescription, files: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "## Checklist"
    yield ""
    if prescription.state == "test first":
        yield from (f"- [ ] {test.title}" for test in prescription.case.tests[:3])
        yield "- [ ] diagnose again with what was found"
        yield ""
        return
    if prescription.tests_first and prescription.case.tests and prescription.state == "treat":
        yield f"- [ ] settle: {inside(prescription.case.tests[0].title)}"
    if prescription.state == "treat":
        yield from (f"- [ ] now: {inside(one.fix.title)}" for one in prescription.choice.immediate)
    if NAME in dict(files):
        yield f"- [ ] quick test passed: `python {NAME} --quick-test`"
        yield f"- [ ] trained: `python {NAME}`"
    yield f"- [ ] what it generates was checked: `python {VALIDATION_NAME} MODEL_DIR`"
    yield from (f"- [ ] later: {inside(one.fix.title)}" for one in prescription.choice.longer)
    yield ""


def _files(files: Sequence[tuple[str, str]], why_no_script: str) -> Iterator[str]:
    yield "## Files"
    yield ""
    yield from (f"- `{name}`: {what}" for name, what in files)
    if why_no_script:
        yield f"- There is no `{NAME}`: {why_no_script}"
    yield ""


def _fenced(text: str, language: str) -> list[str]:
    return [f"```{language}", *text.rstrip("\n").splitlines(), "```", ""]


def _value(key: str, value: Value | None) -> str:
    return f"`{written(all_keys()[key], value)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
