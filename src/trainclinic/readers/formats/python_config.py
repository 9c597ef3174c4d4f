"""Python files of plain assignments, as nanoGPT's `config/*.py`: parsed, never executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainclinic.readers.reader import Reader
from trainclinic.readers.settings.names import Setting
from trainclinic.readers.settings.settings_fragment import settings_fragment, settings_score
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    from trainclinic.readers.file import LogFile
    from trainclinic.readers.fragment import Fragment

_MAX_BYTES = 200_000
_NAMED = re.compile(r"(.*[_-])?(config|configs|configuration|hparams|hyperparameters|settings)([_-].*)?\.py", re.I)
_ASSIGNED = re.compile(r"^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=(?!=)", re.M)
_PROGRAM = re.compile(r"^\s*(def|class|for|while|with|if|async|try)\b", re.M)


def sniff(file: LogFile) -> float:
    """By top-level assignments of training settings, in a file named as a configuration or made of nothing else."""
    if file.path.suffix.lower() != ".py" or file.is_binary or file.size > _MAX_BYTES:
        return 0.0
    if not _NAMED.fullmatch(file.path.name) and _PROGRAM.search(file.head_text):
        return 0.0
    return settings_score(_ASSIGNED.findall(file.head_text))


def read(file: LogFile) -> list[Fragment]:
    """Read the top-level assignments of constants.

    Raises:
        ReadError: If the file is not Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the user's syntax: none of our business
            tree = ast.parse(file.text())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        message = f"`{file.name}` is not Python that can be parsed: {str(error)[:120]}"
        raise ReadError(message) from error
    return [settings_fragment(file, "python_config", _assignments(tree))]


def _assignments(tree: ast.Module) -> Iterator[Setting]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: ast.expr = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        else:
            continue
        if isinstance(target, ast.Name) and node.value is not None:
            value = _constant(node.value)
            if value is not None:
                yield Setting(target.id, value, node.lineno)


def _constant(node: ast.expr) -> Any:
    """A literal, or a product or difference of numbers (`5 * 8`, `600000 - 1`); `None` for anything that runs code."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add, ast.Sub, ast.FloorDiv, ast.Div)):
        left, right = _constant(node.left), _constant(node.right)
        if not all(isinstance(side, (int, float)) and abs(side) < 1e15 for side in (left, right)):
            return None
        return _arithmetic(node.op, left, right)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, (bool, int, float, str, list, tuple)) else None


def _arithmetic(operator: ast.operator, left: float, right: float) -> float | None:
    match operator:
        case ast.Mult():
            return left * right
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.FloorDiv() if right:
            return left // right
        case ast.Div() if right:
            return left / right
    return None


READER = Reader(
    name="python_config",
    title="Python configuration of plain assignments (nanoGPT)",
    recognised_by="top-level assignments of training settings, in a file named as a configuration or of nothing else",
    delivers="settings whose values are literals or arithmetic of literals",
    limits="nothing is executed: values that are computed otherwise are left out",
    sniff=sniff,
    read=read,
)
