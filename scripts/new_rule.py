"""Start a symptom: `python scripts/new_rule.py LOS218 loss-sawtooth --group loss`.

Writes the rule file, its three kinds of cases and its line in `codes.lock`; the result passes every test until you
change what it looks for.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FINDINGS = Path("src/trainclinic/findings")
LOCK = Path("codes.lock")
CODE = re.compile(r"[A-Z]{3}\d{3}")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")

RULE = '''"""The training loss shows {words}.

## What it sees
Say what is looked at, and the condition.

## Why it matters
Say what goes wrong for the user if it is there.

## What it does not mean
Say what people wrongly conclude from it.

## Example
`{{"step": 10, "loss": 2.1}}`

## Check it by hand
Say how a user sees it without this tool.

## References
- Name the paper, library symbol or public report.
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Rule
from trainclinic.catalogue.verdict import Absent, Evidence, NotEvaluated, Present, Severity, Verdict
from trainclinic.signals.measured import Measured


def check(run: Measured) -> Verdict:
    """Look for the symptom."""
    loss = run.train_loss
    if loss is None:
        return NotEvaluated(missing="`train/loss`")
    if float(loss.value[-1]) < 0:
        says = f"loss is {{loss.value[-1]:g}} at step {{loss.step[-1]}}"
        return Present((Evidence(says, loss.source(-1), int(loss.step[-1]), "train/loss"),))
    return Absent()


RULE = Rule(code="{code}", slug="{slug}", severity=Severity.NOTE, needs=("train/loss",), check=check)
'''

CASES = """# {code} {slug}

## present: say what makes it present

```json trainer_state.json
{{"log_history": [{{"step": 10, "loss": 2.0}}, {{"step": 20, "loss": -1.0}}]}}
```

```expect
present at step 20: loss is -1 at step 20
```

## absent: say the one fact in which it differs from the present case

```json trainer_state.json
{{"log_history": [{{"step": 10, "loss": 2.0}}, {{"step": 20, "loss": 1.0}}]}}
```

```expect
absent
```

## not evaluated: say what is missing

```json trainer_state.json
{{"log_history": [{{"step": 10, "grad_norm": 1.0}}]}}
```

```expect
not evaluated: `train/loss`
```
"""


def write_rule(root: Path, code: str, slug: str, group: str) -> list[Path]:
    """Write the files of a new rule below `root` and return them.

    Raises:
        ValueError: If the code or slug is malformed or taken, or the group does not exist.
    """
    return write_files(root, FINDINGS, Path("tests/cases"), (RULE, CASES), (code, slug, group))


def write_files(
    root: Path, rules: Path, cases: Path, templates: tuple[str, str], names: tuple[str, str, str]
) -> list[Path]:
    """Write a rule file, its cases and its line in the lock of codes.

    Args:
        root: The project.
        rules: Folder of the rules, below it.
        cases: Folder of the cases, below it.
        templates: Text of the rule and of its cases, with `{code}`, `{slug}` and `{words}`.
        names: Code, slug and group.

    Raises:
        ValueError: If the code or slug is malformed or taken, or the group does not exist.
    """
    code, slug, group = names
    check_name(root, code, slug)
    folder = root / rules / group
    if not folder.is_dir():
        groups = sorted(path.parent.name for path in (root / rules).glob("*/__init__.py"))
        message = f"no group `{group}`: choose one of {', '.join(groups)}"
        raise ValueError(message)
    written = [folder / f"{code}_{slug}.py".lower().replace("-", "_"), root / cases / f"{code}-{slug}.md"]
    for path, template in zip(written, templates, strict=True):
        path.write_text(template.format(code=code, slug=slug, words=slug.replace("-", " ")), encoding="utf-8")
    return [*written, add_code(root, code, slug)]


def check_name(root: Path, code: str, slug: str) -> None:
    """Refuse a code or slug that is malformed or was ever given out.

    Raises:
        ValueError: With what is wrong.
    """
    if not CODE.fullmatch(code) or not SLUG.fullmatch(slug):
        message = f"expected a code such as `LOS218` and a slug such as `loss-sawtooth`, got `{code}` and `{slug}`"
        raise ValueError(message)
    if re.search(rf"^{code} | {slug}$", (root / LOCK).read_text(encoding="utf-8"), re.M):
        message = f"`{code}` or `{slug}` is taken: see {LOCK}; codes are never reused"
        raise ValueError(message)


def add_code(root: Path, code: str, slug: str) -> Path:
    """Write a code into the list of all codes, and return its path."""
    lock = root / LOCK
    taken = lock.read_text(encoding="utf-8").splitlines()
    lock.write_text("\n".join(sorted({*taken, f"{code} {slug}"})) + "\n", encoding="utf-8")
    return lock


def start(write: Callable[[Path, str, str, str], list[Path]], description: str, subject: str, tests: str) -> None:
    """Parse the command line of a generator, and write what it writes.

    Args:
        write: Writes the files of a rule below a folder, given its code, slug and group, and returns them.
        description: What the generator does.
        subject: What shows the symptom: a run, a script.
        tests: The tests to run next.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("code", help="three letters of the group and the next free number")
    parser.add_argument("slug", help=f'noun phrase after "this {subject} shows ...", without a cause in it')
    parser.add_argument("--group", required=True, help="folder of the group, among those of the other rules")
    options = parser.parse_args()
    try:
        written = write(ROOT, options.code, options.slug, options.group)
    except ValueError as error:
        raise SystemExit(f"error: {error}") from error
    for path in written:
        print(f"wrote {path.relative_to(ROOT)}")
    print(f"next: pytest {tests}, then python scripts/generate_docs.py")


if __name__ == "__main__":
    start(write_rule, __doc__ or "", "run", "tests/test_cases.py")
