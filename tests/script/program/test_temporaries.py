"""Stores on objects that nobody holds, and those that only look like it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of

from trainclinic.script.program.temporaries import lost_stores

MAKERS = """
from types import SimpleNamespace
import random

class View:
    def method(self): pass

class Run:
    kept = SimpleNamespace(x=1)

    @property
    def view(self): return View()

    @property
    def held(self): return self.kept

    @property
    def either(self):
        if random.random() < 0.5:
            return View()
        return SimpleNamespace()

    @property
    def sometimes(self):
        if random.random() < 0.5:
            return View()
        return self.kept

    @property
    def foreign(self): return random.Random(3)

    @property
    def passed(self): return make(View)

    @classmethod
    def build(cls): return View()

    @property
    def method(self): return 3

def make(kind): return kind()
def fresh(): return SimpleNamespace(x=1)
def one(): return fresh()

run = Run()
"""


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("run.view.x = 1", ["view"]),
        ("run.view.x += 1", ["view"]),
        ("setattr(run.view, 'x', 1)", ["view"]),
        ("run.either.x = 1", ["either"]),
        ("run.sometimes.x = 1", []),
        ("run.held.x = 1", []),
        ("run.foreign.x = 1", []),
        ("run.view.method = 1", []),
        ("fresh().x = 1", ["fresh"]),
        ("Run.build().x = 1", ["build"]),
        ("held = run.view\nheld.x = 1", []),
        ("register(run.view).x = 1", []),
        ("run.x = 1", []),
        ("other.to_dict()['x'] = 1", ["to_dict"]),
        ("other.to_dict().update(x=1)", ["to_dict"]),
        ("other.to_list()['x'] = 1", []),
        ("other.state['x'] = 1", []),
    ],
)
def test_a_store_is_lost_where_its_object_was_just_made(tmp_path: Path, line: str, lost: list[str]) -> None:
    assert [one.maker for one in lost_stores(program_of(tmp_path, MAKERS + line))] == lost


def test_a_store_that_is_walked_twice_is_one_store(tmp_path: Path) -> None:
    text = MAKERS + "def twice(): run.view.x = 1\ntwice()\ntwice()\n"
    assert len(list(lost_stores(program_of(tmp_path, text)))) == 1


@pytest.mark.parametrize(
    ("line", "lost"),
    [
        ("setattr(getattr(run, name), key, 1)", ["view"]),
        ("setattr(getattr(other, name), key, 1)", ["view"]),
        ("setattr(getattr(plain, name), key, 1)", []),
        ("setattr(find(run, name), key, 1)", []),
        ("setattr(run, key, 1)", []),
    ],
)
def test_a_computed_name_may_mean_a_property_of_the_class(tmp_path: Path, line: str, lost: list[str]) -> None:
    text = f"""
    class View: pass

    class Run:
        kept = View()

        @property
        def kept_view(self): return self.kept

        @property
        def view(self): return View()

    class Plain:
        pass

    run, plain = Run(), Plain()

    def change(name, key, other, find):
        {line}
    """
    found = list(lost_stores(program_of(tmp_path, text)))
    assert [one.maker for one in found] == lost
    assert all(not one.is_sure for one in found)


def test_of_several_classes_nobody_knows_which_is_meant(tmp_path: Path) -> None:
    text = """
    class One:
        @property
        def view(self): return {}

    class Two:
        @property
        def view(self): return {}

    def change(options, name, key):
        setattr(getattr(options, name), key, 1)
    """
    assert list(lost_stores(program_of(tmp_path, text))) == []
