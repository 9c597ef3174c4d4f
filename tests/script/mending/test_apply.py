"""Several edits of one text: places count in the text as it was, and a mending happens as a whole or not at all."""

from __future__ import annotations

import ast
import builtins
import keyword
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.script.mending.marked import find, place_of

from trainclinic.record.errors import TrainclinicError
from trainclinic.script.alarm import Edit
from trainclinic.script.mending.apply import apply_edits, apply_mendings
from trainclinic.script.places import Place

LOOP = """\
for batch in loader:  # one epoch
    loss = model(batch).loss
    loss.backward(); optimizer.step()
    total += loss
"""


def test_places_of_later_edits_are_those_of_the_first_text() -> None:
    edits = [
        Edit("insert_before", find(LOOP, "loss.backward()"), code="loss = loss / 4"),
        Edit("insert_after", find(LOOP, "optimizer.step()"), code="optimizer.zero_grad()"),
        Edit("wrap", place_of(LOOP, LOOP.rindex("loss"), LOOP.rindex("loss") + 4), code="{}.item()"),
        Edit("set_argument", find(LOOP, "model(batch)"), name="use_cache", code="False"),
    ]
    expected = """\
for batch in loader:  # one epoch
    loss = model(batch, use_cache=False).loss
    loss = loss / 4
    loss.backward(); optimizer.step()
    optimizer.zero_grad()
    total += loss.item()
"""
    for order in (edits, edits[::-1]):
        applied = apply_edits(LOOP, order)
        assert applied.text == expected
        assert applied.done == tuple(order)


def test_edits_of_one_call_follow_each_other() -> None:
    text = "args = A(\n    a=1,\n    b=2,\n)\n"
    call = find(text, text[7:-1])
    edits = [
        Edit("rename_argument", call, name="a", new_name="c"),
        Edit("remove_argument", call, name="b"),
        Edit("set_argument", call, name="d", code="3"),
        Edit("set_argument", call, name="c", code="4"),
        Edit("wrap", call, code="f({})"),
    ]
    assert apply_edits(text, edits).text == "args = f(A(\n    c=4,\n    d=3,\n))\n"


def test_what_is_wrapped_can_still_be_edited_inside_and_outside() -> None:
    text = "x = f(a.b).c\n"
    edits = [
        Edit("wrap", find(text, "a.b"), code="g({})"),
        Edit("wrap", find(text, "a"), code="h({})"),
        Edit("wrap", find(text, "a.b"), code="{}[0]"),
        Edit("set_argument", find(text, "f(a.b)"), name="k", code="1"),
    ]
    assert apply_edits(text, edits).text == "x = f(g(h(a).b[0]), k=1).c\n"


def test_what_ends_or_begins_with_wrapped_code_grows_with_it() -> None:
    text = "x = -a\ny = b[0]\n"
    edits = [
        Edit("wrap", find(text, "a"), code="g({})"),
        Edit("wrap", find(text, "-a"), code="h({})"),
        Edit("wrap", find(text, "b"), code="g({})"),
        Edit("wrap", find(text, "b[0]"), code="h({})"),
    ]
    assert apply_edits(text, edits).text == "x = h(-g(a))\ny = h(g(b)[0])\n"


def test_code_that_another_edit_rewrites_is_left_to_the_next_round() -> None:
    text = "x = f(a, b)\n"
    inner = Edit("replace", find(text, "a"), code="c")
    applied = apply_edits(text, [Edit("replace", find(text, "f(a, b)"), code="g"), inner])
    assert applied.text == "x = g\n"
    assert applied.refused == ((inner, "another change rewrites the same code"),)


def test_a_mending_with_one_impossible_edit_does_nothing() -> None:
    text, other = "a()\nb()\n", "c()\n"
    good = Edit("remove_statement", find(text, "a()", "one.py"))
    elsewhere = Edit("replace", find(other, "c()", "two.py"), code="d()")
    bad = Edit("remove_argument", find(text, "b()", "one.py"), name="k")
    texts = {("one.py", 0): text, ("two.py", 0): other}
    applied = apply_mendings(texts, [(good, elsewhere, bad), (elsewhere,)])
    assert applied.texts == {("one.py", 0): text, ("two.py", 0): "d()\n"}
    assert applied.done == (1,)
    assert applied.refused == {0: "the call has no argument `k`"}


def test_a_mending_may_need_all_its_edits_to_be_valid() -> None:
    text = "if x:\n    a()\nb()\n"
    half = Edit("replace", find(text, "a()"), code="return")
    applied = apply_mendings({("train.py", 0): text}, [(half, Edit("replace", find(text, "b()"), code="f("))])
    assert applied.texts[("train.py", 0)] == text


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (Place("train.py", 9, 1, 9, 2), "the text has no line 9 with a column 1"),
        (Place("train.py", 1, 1, 1, 99), "the text has no line 1 with a column 99"),
        (Place("train.py", 1, 2, 1, 4), "`()` is no whole piece of code"),
    ],
)
def test_a_place_that_is_not_in_the_text_is_refused(place: Place, why: str) -> None:
    edit = Edit("replace", place, code="b")
    assert apply_edits("a()\n", [edit]).refused == ((edit, why),)


def test_a_text_that_is_no_python_is_refused() -> None:
    edit = Edit("replace", Place("train.py", 1, 1, 1, 6), code="b")
    assert apply_edits("print 'a'\n", [edit]).refused == ((edit, "the file cannot be parsed"),)


def test_a_move_without_a_target_and_one_into_another_file_are_refused() -> None:
    text = "a()\nb()\n"
    lost = Edit("move_before", find(text, "b()"))
    applied = apply_mendings({("train.py", 0): text, ("other.py", 0): text}, [(lost,)])
    assert applied.refused == {0: "the edit names no statement to move it before"}
    across = Edit("move_before", find(text, "b()"), target=find(text, "a()", "other.py"))
    applied = apply_mendings({("train.py", 0): text, ("other.py", 0): text}, [(across,)])
    assert applied.refused == {0: "both places of a move must be in one file"}


def test_without_libcst_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "libcst":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "libcst", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(TrainclinicError, match="libcst") as raised:
        apply_edits("a\n", [])
    assert "trainclinic[fix]" in raised.value.hint


NAMES = st.from_regex(r"[a-zäø_][a-z0-9_]{0,5}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
BLANKS = st.sampled_from(["", " ", "  ", "\n    ", "  # note ü\n  ", "\\\n"])
VALUES = st.sampled_from(
    ["1", "(2)", "'a, b=c'", "g(k=1, m=2)", "[x for x in y]", 'f"{a}"', "lambda k=1: k", '"""\n"""']
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A call with unusual white space, and the names of its arguments."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    parts = [f"{draw(BLANKS)}{name}{draw(BLANKS)}={draw(BLANKS)}{draw(VALUES)}{draw(BLANKS)}" for name in names]
    return f"f({','.join(parts)}{draw(st.sampled_from(['', ',', ', # end', ',']))}\n)", names


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, str, list[str]]:
    """A program, a call in it, and the names of the arguments of the call."""
    call, names = draw(calls())
    frame = draw(
        st.sampled_from(
            ["{}\n", "x = {}; y = 2\n", "if a: {}\n", "def f(a=1):\n\treturn {} + 1  # ü\n", "# ä\n@{}\nclass A: pass"]
        )
    )
    before = draw(st.sampled_from(["", "'''\nf(x=1)\n'''\n", "# f()\n\n\n", "ß = 'é'; "]))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = (before if ";" not in before or not frame.startswith(("if", "def", "#")) else "") + frame
    return text.replace("{}", call).replace("\n", newline), call.replace("\n", newline), names


@given(programs(), st.data())
@settings(max_examples=150, deadline=None)
def test_renaming_an_argument_and_back_is_nothing(program: tuple[str, str, list[str]], data: st.DataObject) -> None:
    text, call, names = program
    name = data.draw(st.sampled_from(names))
    there = Edit("rename_argument", find(text, call), name=name, new_name="brand_new")
    applied = apply_edits(text, [there])
    assert applied.done == (there,)
    assert len(applied.text) == len(text) + len("brand_new") - len(name)
    start = text.index(call)
    renamed = applied.text[start : start + len(call) + len("brand_new") - len(name)]
    back = Edit("rename_argument", find(applied.text, renamed), name="brand_new", new_name=name)
    assert apply_edits(applied.text, [back]).text == text


@given(programs(), st.data())
@settings(max_examples=150, deadline=None)
def test_taking_arguments_out_leaves_the_others(program: tuple[str, str, list[str]], data: st.DataObject) -> None:
    text, call, names = program
    gone = data.draw(st.lists(st.sampled_from(names), unique=True))
    place = find(text, call)
    edits = [Edit("remove_argument", place, name=name) for name in gone]
    edits.append(Edit("set_argument", place, name="brand_new", code="0"))
    applied = apply_edits(text, edits)
    assert not applied.refused

    def keywords(code: str) -> dict[str | None, str]:
        wanted = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
        held = next(node for node in wanted if isinstance(node.func, ast.Name) and node.func.id == "f")
        return {one.arg: ast.dump(one.value) for one in held.keywords}

    old = keywords(text)
    expected = {name: value for name, value in old.items() if name not in gone}
    assert keywords(applied.text) == {**expected, "brand_new": ast.dump(ast.Constant(0))}
