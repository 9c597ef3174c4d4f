"""Start a rule of the linter: `python scripts/new_lint_rule.py LOP090 printed-tensor --group loops`.

Writes the rule file, its three kinds of cases and its line in `codes.lock`; the result passes every test until you
change what it looks for.
"""

from __future__ import annotations

from pathlib import Path

from new_rule import start, write_files

RULES = Path("src/trainclinic/script/rules")

RULE = '''"""A script does what {words} says.

## What it sees
Say which calls and values are looked at, and the condition.

## Why it matters
Say what goes wrong in the training if it is there.

## What it does not mean
Say when the same code is right.

## Example
Bad:

    import torch

    torch.set_anomaly_enabled(True)

Good:

    import torch

    torch.set_anomaly_enabled(False)

## Check it by hand
Say how a user sees it without this tool.

## References
- https://pytorch.org/docs/stable/autograd.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.script.alarm import Alarm, Certainty
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, flag
from trainclinic.script.rule import script_rule

SWITCH = "torch.set_anomaly_enabled"


def find(program: Program) -> Iterator[Alarm]:
    """Look at every call of the switch."""
    for call in program.calls_of(SWITCH):
        if flag(argument(call, "mode", 0)):
            yield Alarm(call.event.place, "`set_anomaly_enabled` is on", Certainty.LIKELY)


RULE = script_rule(
    code="{code}",
    slug="{slug}",
    severity=Severity.NOTE,
    certainty=Certainty.LIKELY,
    needs=("a call of `torch.set_anomaly_enabled`",),
    find=find,
    looked=lambda program: bool(program.calls_of(SWITCH)),
    missing="a call of `torch.set_anomaly_enabled`",
)
'''

CASES = """# {code} {slug}

## present: say what makes it present

```python train.py
import torch

torch.set_anomaly_enabled(True)
```

```expect
likely train.py:3: `set_anomaly_enabled` is on
```

## absent: say the one fact in which it differs from the present case

```python train.py
import torch

torch.set_anomaly_enabled(False)
```

```expect
absent
```

## not evaluated: say what is missing

```python train.py
import torch
```

```expect
not evaluated: a call of `torch.set_anomaly_enabled`
```
"""


def write_rule(root: Path, code: str, slug: str, group: str) -> list[Path]:
    """Write the files of a new rule below `root` and return them.

    Raises:
        ValueError: If the code or slug is malformed or taken, or the group does not exist.
    """
    return write_files(root, RULES, Path("tests/script/cases"), (RULE, CASES), (code, slug, group))


if __name__ == "__main__":
    start(write_rule, __doc__ or "", "script", "tests/script")
