"""Start a rule on training data: `python scripts/new_data_rule.py ANS090 shouted-answers --group answers`.

Writes the rule file, its cases and its line in `codes.lock`; the result passes every test until you change what it
looks for.
"""

from __future__ import annotations

from pathlib import Path

from new_rule import start, write_files

RULES = Path("src/trainclinic/dataset/rules")

RULE = '''"""Some rows do what {words} says.

## What it sees

Say which rows are counted, and the condition.

## Why it matters

Say what a model learns from them.

## What it does not mean

Say for which kinds of data it is right.

## Example

Show a row.

## Check it by hand

Say how a user sees it without this tool.

## References

- https://huggingface.co/docs/datasets
"""

from __future__ import annotations

from trainclinic.catalogue.rule import Threshold
from trainclinic.catalogue.verdict import Severity
from trainclinic.corpus.sample import Sample
from trainclinic.dataset.rule import Shares, quoted, row_rule

ANY = Threshold("share of rows", 0.0, "1", "say why a single row counts, or what share does")


def find(sample: Sample) -> str | None:
    """What a row shows."""
    return f"the answer is {{quoted(sample.answer)}}" if sample.answer == "say what it looks for" else None


RULE = row_rule(
    code="{code}",
    slug="{slug}",
    severity=Severity.NOTE,
    needs=("conversations",),
    find=find,
    what="say what it looks for",
    shares=Shares(ANY),
)
'''

CASES = """# {code} {slug}

## present: say what makes it present

```jsonl train.jsonl
{{"prompt": "Why?", "completion": "say what it looks for"}}
```

```expect
present note
train.jsonl:1: 1 of 1 row (100.0 %) say what it looks for
```

## absent: say the one fact in which it differs from the present case

```jsonl train.jsonl
{{"prompt": "Why?", "completion": "say something else"}}
```

```expect
absent
```
"""


def write_rule(root: Path, code: str, slug: str, group: str) -> list[Path]:
    """Write the files of a new rule below `root` and return them.

    Raises:
        ValueError: If the code or slug is malformed or taken, or the group does not exist.
    """
    return write_files(root, RULES, Path("tests/dataset/cases"), (RULE, CASES), (code, slug, group))


if __name__ == "__main__":
    start(write_rule, __doc__ or "", "data", "tests/dataset")
