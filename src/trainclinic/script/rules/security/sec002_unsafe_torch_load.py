"""A file is unpickled that can run whatever code its author put into it.

## What it sees
`torch.load` without `weights_only` under a pinned torch before 2.6; `weights_only=False` for a file that the program
does not write itself; `pickle`, `joblib` or `dill` on a file that was downloaded.

## Why it matters
A pickle is a program: loading a checkpoint from elsewhere can read keys and files of the account that trains. From
torch 2.6 on the default refuses this, and a script that relied on the old default stops with an `UnpicklingError`.

## What it does not mean
The file may be harmless, and your own. Checkpoints that hold more than tensors need the classes to be allowed by name
(`torch.serialization.add_safe_globals`).

## Example
Bad:

    # file: requirements.txt
    torch==2.4.1

    # file: train.py
    import torch
    from transformers import GPT2LMHeadModel
    from mydata import batches

    torch.manual_seed(7)
    model = GPT2LMHeadModel.from_pretrained("gpt2")
    model.load_state_dict(torch.load("start.pt", map_location="cpu"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for batch in batches():
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()

Good:

    # file: requirements.txt
    torch==2.4.1

    # file: train.py
    import torch
    from transformers import GPT2LMHeadModel
    from mydata import batches

    torch.manual_seed(7)
    model = GPT2LMHeadModel.from_pretrained("gpt2")
    model.load_state_dict(torch.load("start.pt", map_location="cpu", weights_only=True))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    for batch in batches():
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()

## Check it by hand
Load the file once with `weights_only=True`: if that works, nothing but tensors and plain values is in it.

## References
- https://docs.pytorch.org/docs/stable/generated/torch.load.html
- https://docs.python.org/3/library/pickle.html
"""

from __future__ import annotations

from collections.abc import Iterator

from trainclinic.catalogue.verdict import Severity
from trainclinic.knowledge.versions import key
from trainclinic.script.alarm import Alarm, Certainty, Edit, Mending
from trainclinic.script.program.program import Program
from trainclinic.script.program.reading import argument, constants, contains, flag, is_open, literal_texts
from trainclinic.script.program.values import Call, Constant, Item, Value
from trainclinic.script.rule import script_rule

SAFE_SINCE = "2.6"
"""First release of torch whose `torch.load` reads tensors alone by default."""
UNPICKLING = ("pickle.load", "pickle.loads", "joblib.load", "dill.load", "dill.loads", "cloudpickle.load")
DOWNLOADS = frozenset(
    {"hf_hub_download", "snapshot_download", "urlopen", "urlretrieve", "download", "load_file_from_url"}
)


SHORTEST = 3
"""Longest literal that tells nothing about a file: `/`, `.pt`."""


def find(program: Program) -> Iterator[Alarm]:
    """Look at every call that unpickles a file."""
    for call in _loads(program):
        given = argument(call, "weights_only")
        if given is not None and flag(given) is not False:
            continue
        found = _stated(program, call) if given is not None else _left_out(program, call)
        if found is not None and call.place is not None:
            yield Alarm(call.place, found[0], found[1], mending=_mending(program, call))
    for call in program.calls_of(*UNPICKLING):
        source = contains(call, _is_download, limit=100)
        if isinstance(source, Call) and call.place is not None:
            says = f"`{call.method}` runs whatever code is in a file that `{source.method}` fetched"
            mending = Mending("load a format without code: safetensors, JSON or Parquet")
            yield Alarm(call.place, says, Certainty.LIKELY, mending=mending)


def _loads(program: Program) -> list[Call]:
    return [call for call in program.calls_of("torch.load") if not is_open(call)]


def _stated(program: Program, call: Call) -> tuple[str, Certainty] | None:
    """`weights_only=False`: right for what the program wrote itself."""
    if _is_own(program, call):
        return None
    path = argument(call, "f", 0)
    is_named = any(isinstance(one, str) for one in constants(path))
    says = "`weights_only=False` runs whatever code is in the file, and this program does not write it"
    is_foreign = is_named or contains(path, _is_download, limit=50) is not None
    return says, Certainty.LIKELY if is_foreign else Certainty.HINT


def _left_out(program: Program, call: Call) -> tuple[str, Certainty] | None:
    """Without the argument the version of torch decides."""
    version = program.version_of("torch")
    if version is None:
        says = f"`torch.load` without `weights_only` runs whatever code is in the file before torch {SAFE_SINCE}"
        return says, Certainty.HINT
    if key(version) >= key(SAFE_SINCE):
        return None
    says = f"`torch.load` of torch {version} runs whatever code is in the file: `weights_only` is off by default"
    return says, Certainty.HINT if _is_own(program, call) else Certainty.PROOF


def _is_own(program: Program, call: Call) -> bool:
    """Whether the program writes a file of such a name."""
    path = argument(call, "f", 0)
    names = _words(path)
    written = [argument(save, "f", 1) for save in program.calls_of("torch.save", ".save")]
    return any(one is not None and (one is path or names & _words(one)) for one in written)


def _words(path: Value | None) -> set[str]:
    """Literal parts of a path that tell a file from others."""
    texts = {str(one) for one in constants(path) if isinstance(one, str)} | {t.value for t in literal_texts(path)}
    return {text.rpartition("/")[2] for text in texts if len(text) > SHORTEST}


def _is_download(value: Value) -> bool:
    return isinstance(value, Call) and value.method in DOWNLOADS


def _mending(program: Program, call: Call) -> Mending:
    """Safe where nothing but weights is read from the file."""
    assert call.place is not None
    uses = [one for event in program.calls for one in (*event.call.args, *dict(event.call.keywords).values())]
    mine = [one for one in uses if one is call or (isinstance(one, Item) and one.base is call)]
    loads = [event.call for event in program.calls if event.call.method == "load_state_dict"]
    weights = [arg for one in loads for arg in one.args if arg in mine]
    is_plain = bool(mine) and len(weights) == len(mine) and not _reads_more(program, call)
    edit = Edit("set_argument", call.place, "True", name="weights_only")
    return Mending("load with `weights_only=True`", "safe" if is_plain else "unsafe", (edit,))


def _reads_more(program: Program, call: Call) -> bool:
    """Whether anything in the file gets a name of its own."""
    stored = (event.value for event in program.stores)
    return any(isinstance(one, Item) and one.base is call and isinstance(one.index, Constant) for one in stored)


def _looked(program: Program) -> bool:
    return bool(_loads(program) or program.calls_of(*UNPICKLING))


RULE = script_rule(
    code="SEC002",
    slug="unsafe-torch-load",
    severity=Severity.WARNING,
    certainty=Certainty.PROOF,
    needs=("calls that load files", "the version of torch"),
    find=find,
    looked=_looked,
    missing="a file that is loaded with `torch.load` or `pickle`",
    fix="safe",
)
