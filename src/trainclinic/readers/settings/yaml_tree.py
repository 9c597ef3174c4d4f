"""YAML as settings with lines: nothing is constructed but plain values, and no alias can blow it up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainclinic.readers.settings.names import MAX_DEPTH, MAX_SETTINGS, Setting
from trainclinic.record.errors import ReadError

if TYPE_CHECKING:
    import yaml

MAX_YAML_BYTES = 5_000_000
_MOST_ITEMS = 64
_SHOWN_OBJECTS = 8
_DEEPEST = 200


def yaml_settings(text: str, name: str, first_line: int = 1) -> Iterator[Setting]:
    """The leaves of all documents in a YAML text as settings with their lines.

    Unknown tags (`!!python/object`) are ignored: their mappings are read as mappings, and nothing is built from them.

    Args:
        text: The YAML.
        name: File name, for the error.
        first_line: Line of the file on which the text begins.

    Raises:
        ReadError: If the text is too large or not YAML.
    """
    import yaml

    if len(text) > MAX_YAML_BYTES:
        message = f"`{name}` has {len(text):,} characters, too many for a configuration"
        raise ReadError(message, hint=f"YAML up to {MAX_YAML_BYTES:,} characters is read")
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_nesting(text, kind)
        loader = kind(text)
        nodes: list[Any] = []
        while loader.check_node():
            nodes.append(loader.get_node())
        walk = _Walk(loader, first_line)
        settings = [setting for node in nodes for setting in walk.settings("", node, 0)]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + first_line})" if mark is not None else ""
        message = f"`{name}` is not YAML{place}: {str(getattr(error, 'problem', error) or error)[:120]}"
        raise ReadError(message, hint="is the file complete, and indented with spaces?") from error
    yield from settings


def _check_nesting(text: str, loader: Any) -> None:
    """Refuse what would exhaust the stack of the C library, which builds nodes recursively.

    Raises:
        ValueError: If the nesting is too deep.
    """
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            message = f"nested more than {_DEEPEST} levels deep"
            raise ValueError(message)


class _Walk:
    """Walks the nodes of one file within its bounds."""

    def __init__(self, loader: Any, first_line: int) -> None:
        self._loader = loader
        self._first_line = first_line
        self._left = MAX_SETTINGS

    def settings(self, name: str, node: yaml.Node, depth: int) -> Iterator[Setting]:
        """Settings below a node; every visited node counts, so that repeated aliases come to an end."""
        import yaml

        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            return
        if isinstance(node, yaml.MappingNode):
            yield from self._mapping(name, node, depth)
        elif isinstance(node, yaml.SequenceNode):
            yield from self._sequence(name, node, depth)
        elif name:
            yield Setting(name, self._scalar(node), node.start_mark.line + self._first_line)

    def _mapping(self, name: str, node: yaml.MappingNode, depth: int) -> Iterator[Setting]:
        """Keys joined with dots; `<<` merges, and W&B's `{value: ..., desc: ...}` is its value."""
        pairs = [(str(key.value), value) for key, value in node.value if isinstance(key.value, str)]
        names = {key for key, _ in pairs}
        if name and "value" in names and names <= {"value", "desc"}:
            yield from self.settings(name, dict(pairs)["value"], depth + 1)
            return
        for key, value in pairs:
            inner = name if key == "<<" else f"{name}.{key}" if name else key
            yield from self.settings(inner, value, depth + 1)

    def _sequence(self, name: str, node: yaml.SequenceNode, depth: int) -> Iterator[Setting]:
        """Plain items as one list; objects by their `path` or `name`, and the keys of the first few by number."""
        import yaml

        plain: list[Any] = []
        for at, item in enumerate(node.value[:_MOST_ITEMS]):
            if isinstance(item, yaml.ScalarNode):
                plain.append(self._scalar(item))
            elif isinstance(item, yaml.MappingNode):
                keys = {str(key.value): value for key, value in item.value if isinstance(key.value, str)}
                label = keys.get("path", keys.get("name"))
                plain += [self._scalar(label)] if isinstance(label, yaml.ScalarNode) else []
                if at < _SHOWN_OBJECTS:
                    yield from self._mapping(f"{name}.{at}", item, depth + 1)
        if plain and name:
            yield Setting(name, plain, node.start_mark.line + self._first_line)

    def _scalar(self, node: yaml.Node) -> Any:
        """Number, flag, text or `None`; whatever its tag says, nothing else is built."""
        plain = {"bool", "int", "float", "null", "str"}
        if str(node.tag).rpartition(":")[2] not in plain:
            return str(node.value)
        try:
            return self._loader.construct_object(node)
        except ValueError:
            return str(node.value)
