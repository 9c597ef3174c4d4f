"""Signatures out of source trees: what the walk follows, and what of Python's machinery it adds."""

from __future__ import annotations

from trainclinic.script.oracle.call_sites import call_sites
from trainclinic.script.oracle.extraction import shape_of
from trainclinic.script.oracle.package import Package
from trainclinic.script.oracle.parameters import Parameter, Site


def names(source: str, qualname: str) -> list[str]:
    shape = shape_of(Package({"lib/__init__.py": source}.get), qualname)
    assert shape is not None
    return [parameter.name for parameter in shape.parameters]


def test_every_kind_of_parameter_is_told_apart() -> None:
    source = "def f(a, b=1, /, c=None, *rest, d, e='x', **more): ..."
    shape = shape_of(Package({"lib/__init__.py": source}.get), "lib.f")
    assert shape is not None
    assert shape.parameters == (
        Parameter("a", "positional"),
        Parameter("b", "positional", "1"),
        Parameter("c", "positional", "None"),
        Parameter("rest", "var_positional"),
        Parameter("d", "keyword"),
        Parameter("e", "keyword", "'x'"),
        Parameter("more", "var_keyword"),
    )


def test_a_name_is_followed_through_relative_and_starred_imports() -> None:
    sources = {
        "lib/__init__.py": "from .inner import Thing",
        "lib/inner/__init__.py": "try:\n    from ..deep.file import *\nexcept ImportError:\n    pass",
        "lib/deep/file.py": "from ..base_class import Base\nclass Thing(Base): ...",
        "lib/base_class.py": "class Base:\n    def __init__(self, size): ...",
    }
    shape = shape_of(Package(sources.get), "lib.Thing")
    assert shape is not None
    assert [parameter.name for parameter in shape.parameters] == ["size"]


def test_imports_in_a_circle_end() -> None:
    sources = {"lib/__init__.py": "from .a import X", "lib/a.py": "from .b import X", "lib/b.py": "from .a import X"}
    assert shape_of(Package(sources.get), "lib.X") is None


def test_placeholders_for_missing_dependencies_are_no_classes() -> None:
    sources = {
        "lib/__init__.py": "try:\n    pass\nexcept E:\n    from .utils.dummy_pt_objects import *",
        "lib/utils/dummy_pt_objects.py": "class X:\n    def __init__(self, *args, **kwargs): ...",
    }
    assert shape_of(Package(sources.get), "lib.X") is None


def test_a_dataclass_does_not_take_the_init_of_its_base() -> None:
    source = "class Base:\n    def __init__(self, size): ...\n@dataclass\nclass X(Base):\n    width: int = 1\n"
    assert names(source, "lib.X") == ["width"]


def test_fields_of_dataclasses_and_their_bases_are_parameters() -> None:
    source = (
        "from typing import ClassVar\nfrom dataclasses import dataclass, field\nfrom other import Args\n"
        "@dataclass\nclass Base(Args):\n    a: int\n    b: int = 1\n"
        "@dataclass\nclass X(Base):\n    b: int = 2\n    c: list = field(default_factory=list)\n"
        "    d: int = field(default=3)\n    hidden: int = field(init=False)\n    shared: ClassVar[int] = 4\n"
    )
    shape = shape_of(Package({"lib/__init__.py": source}.get), "lib.X", ("other.Args",))
    assert shape is not None
    assert [(each.name, each.default) for each in shape.parameters] == [
        ("a", None),
        ("b", "2"),
        ("c", "..."),
        ("d", "3"),
    ]
    assert shape.continues == ("other.Args",)


def test_an_own_init_of_a_dataclass_counts_and_not_its_fields() -> None:
    source = "@dataclass\nclass X:\n    field_of_it: int\n    def __init__(self, a, **kwargs): ..."
    assert names(source, "lib.X") == ["a", "kwargs"]


def test_an_init_that_passes_everything_on_is_looked_through() -> None:
    source = (
        "class Real:\n    def __init__(self, a, b=1): ...\n"
        "class X(Real):\n    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n"
    )
    assert names(source, "lib.X") == ["a", "b"]


def test_a_deprecation_decorator_adds_the_old_name() -> None:
    source = "@deprecate_kwarg('old', '1.0', new_name='new')\ndef f(new, **kwargs): ..."
    shape = shape_of(Package({"lib/__init__.py": source}.get), "lib.f")
    assert shape is not None
    assert shape.parameters[1] == Parameter("old", "keyword", "...", "new")
    assert shape.parameters[-1].kind == "var_keyword"


def test_overloads_are_no_signatures() -> None:
    source = "@overload\ndef f(a: int): ...\n@overload\ndef f(b: str): ...\ndef f(real): ..."
    assert names(source, "lib.f") == ["real"]


def test_self_and_cls_are_dropped_and_static_methods_keep_all() -> None:
    source = "class X:\n    def m(self, a): ...\n    @classmethod\n    def c(cls, b): ...\n    @staticmethod\n    def s(d): ...\n"
    assert [names(source, f"lib.X.{method}") for method in "mcs"] == [["a"], ["b"], ["d"]]


def test_a_broken_or_missing_file_is_an_unknown_name() -> None:
    assert shape_of(Package({"lib/__init__.py": "def ("}.get), "lib.f") is None
    assert shape_of(Package({}.get), "lib.f") is None


def test_calls_are_counted_with_positions_keywords_and_unpacking() -> None:
    source = (
        "class Trainer:\n"
        "    def train(self):\n        self.step(model, inputs)\n        self.step(model, inputs, n=1)\n"
        "        self.log(*args)\n        self.log(**kwargs)\n        other.step(1, 2, 3, 4)\n"
        "    def step(self): ...\n    def log(self): ...\n"
    )
    sites = call_sites(Package({"lib/__init__.py": source}.get), "lib.Trainer", ("step", "log"))
    assert sites["step"] == (Site(2), Site(2, ("n",)))
    assert sites["log"] == (Site(0, (), unpacks=True),)


def test_calls_through_a_local_name_and_a_lent_method_are_seen() -> None:
    source = (
        "class Trainer:\n"
        "    def train(self):\n        loop = self.old if legacy else self.new\n        loop(data, description='x')\n"
        "        self.load(sampler=self.sample)\n"
        "    def load(self, sampler):\n        return sampler(data)\n"
    )
    sites = call_sites(Package({"lib/__init__.py": source}.get), "lib.Trainer", ("old", "new", "sample"))
    assert sites == {"old": (Site(1, ("description",)),), "new": (Site(1, ("description",)),), "sample": (Site(1),)}
