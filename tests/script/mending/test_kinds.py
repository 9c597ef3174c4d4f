"""Each kind of edit on code that is laid out as people write it: only what is meant changes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.script.mending.marked import marked_edit

from trainclinic.script.mending.apply import apply_edits


def after(code: str, kind: str, /, **fields: str) -> str:
    text, edit = marked_edit(code, kind, **fields)
    applied = apply_edits(text, [edit])
    assert not applied.refused
    assert applied.done == (edit,)
    return applied.text


def reason(code: str, kind: str, /, **fields: str) -> str:
    """Why an edit is refused, which must leave the text alone."""
    text, edit = marked_edit(code, kind, **fields)
    applied = apply_edits(text, [edit])
    assert applied.text == text
    ((refused, why),) = applied.refused
    assert refused == edit
    return why


class TestReplace:
    @pytest.mark.parametrize(
        ("code", "new", "expected"),
        [
            ("x = «a»  # why\n", "b", "x = b  # why\n"),
            ("y = «a» * 2\n", "b + c", "y = (b + c) * 2\n"),
            ("y = («a») * 2\n", "b + c", "y = (b + c) * 2\n"),
            ("f(«a», k = 1)\n", "b + c", "f(b + c, k = 1)\n"),
            ("f(a, *«b»)\n", "c if d else e", "f(a, *c if d else e)\n"),
            ("return_ = not «a»\n", "b or c", "return_ = not (b or c)\n"),
            ("f('ä', «x»)  # ü\n", '"é"', "f('ä', \"é\")  # ü\n"),
            ("x = «(1, 2)»\n", "3,", "x = 3,\n"),
            ("x = f(«(a for a in b)», 1)\n", "b", "x = f(b, 1)\n"),
            ("x = [\n    «a.b»,  # first\n    c,\n]\n", "d", "x = [\n    d,  # first\n    c,\n]\n"),
            ("«model.half()»\n", "model.float()", "model.float()\n"),
            ("for x in «range(3)»: f(x); g()\n", "y", "for x in y: f(x); g()\n"),
            ("from a import «b», c\n", "d as b", "from a import d as b, c\n"),
            ("def f(«a», b): pass\n", "c", "def f(c, b): pass\n"),
            ("f(b, «k=1»)\n", "m=2", "f(b, m=2)\n"),
            ("if a:\n    «import x»; y()\n", "import z", "if a:\n    import z; y()\n"),
            ("if a:\n    «x = 1»\n", "if b:\n    x = 1", "if a:\n    if b:\n        x = 1\n"),
            ("@«dec(1)»\ndef f(): pass\n", "other", "@other\ndef f(): pass\n"),
        ],
    )
    def test_only_the_place_changes(self, code: str, new: str, expected: str) -> None:
        assert after(code, "replace", code=new) == expected

    @pytest.mark.parametrize(
        ("code", "new", "why"),
        [
            ("x = a« + b»\n", "c", "`+ b` is no whole piece of code"),
            ('x = f"{«a»}"\n', "b", "it stands inside an f-string"),
            ("x = «a»\n", "b c", "the result would not be valid Python"),
            ("«x = 1»; y = 2\n", "if a:\n    b()", "other statements stand in the same line"),
            ("«x» = 1\n", "f() + 1", "`f() + 1` cannot stand there"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, code: str, new: str, why: str) -> None:
        assert reason(code, "replace", code=new) == why


class TestWrap:
    @pytest.mark.parametrize(
        ("code", "new", "expected"),
        [
            ("total += «loss»  # sum\n", "{}.item()", "total += loss.item()  # sum\n"),
            ("total += «a + b»\n", "{}.item()", "total += (a + b).item()\n"),
            ("«loss».backward()\n", "{} / n", "(loss / n).backward()\n"),
            ("loss = «a + b»\n", "{} / n", "loss = (a + b) / n\n"),
            ("loss = f(\n    «a\n    + b»,  # both\n)\n", "g({})", "loss = f(\n    g(a\n    + b),  # both\n)\n"),
            ("x = «a»\n", "a if a else f(a, {})", "x = a if a else f(a, a)\n"),
            ("x = «(1, 2)»[0]\n", "list({})", "x = list((1, 2))[0]\n"),
        ],
    )
    def test_the_old_code_stays_inside_the_new(self, code: str, new: str, expected: str) -> None:
        assert after(code, "wrap", code=new) == expected

    @pytest.mark.parametrize("new", ["f(x)", "f({}, {})", "with a:\n    {}"])
    def test_a_frame_needs_one_place_for_the_old_code(self, new: str) -> None:
        assert reason("x = «a»\n", "wrap", code=new).endswith("is no expression with one place for the old code")


class TestSetArgument:
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("«f()»\n", "f(k=1)\n"),
            ("«f( )»\n", "f(k=1 )\n"),
            ("«f(a)»\n", "f(a, k=1)\n"),
            ("«f(a,)»\n", "f(a, k=1,)\n"),
            ("«f(a, *b)»\n", "f(a, *b, k=1)\n"),
            ("«f(a, k = (2) , b=3)»\n", "f(a, k = 1 , b=3)\n"),
            (
                "«f(\n    a,  # first\n    b=2,  # second\n)»\n",
                "f(\n    a,  # first\n    b=2,  # second\n    k=1,\n)\n",
            ),
            ("«f(\n    a,\n    b=2  # second\n)»\n", "f(\n    a,\n    b=2,  # second\n    k=1\n)\n"),
            ("«f(\n    a,\n    b=2)»\n", "f(\n    a,\n    b=2,\n    k=1)\n"),
            ("«f(a,\n  b=2)»\n", "f(a,\n  b=2,\n  k=1)\n"),
            ("«f(\n    a, b\n)»\n", "f(\n    a, b, k=1\n)\n"),
            ("x = g(«f(h(a))», k=2)\n", "x = g(f(h(a), k=1), k=2)\n"),
            ("«(f)(a)»\n", "(f)(a, k=1)\n"),
            ("«f(  # nothing yet\n)»\n", "f(k=1  # nothing yet\n)\n"),
            ("@«f(a)»\ndef g(): pass\n", "@f(a, k=1)\ndef g(): pass\n"),
            ("«f(a)(b)»\n", "f(a)(b, k=1)\n"),
        ],
    )
    def test_it_is_added_or_changed_in_the_layout_of_the_call(self, code: str, expected: str) -> None:
        assert after(code, "set_argument", name="k", code="1") == expected

    def test_a_value_that_would_fall_apart_gets_brackets(self) -> None:
        assert after("«f(a)»\n", "set_argument", name="k", code="1, 2") == "f(a, k=(1, 2))\n"

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            ("«f(**options)»\n", "the call passes `**` arguments, among which `k` could be"),
            ("«f(a for a in b)»\n", "the only argument is a generator without brackets of its own"),
            ("«f(k=1)»\n", "the code is like that already"),
            ("x = «f»(a)\n", "no call stands there that can be changed"),
            ('f"{«g(a)»}"\n', "no call stands there that can be changed"),
        ],
    )
    def test_what_could_break_the_call_is_refused(self, code: str, why: str) -> None:
        assert reason(code, "set_argument", name="k", code="1") == why


class TestRemoveArgument:
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("«f(k=1)»\n", "f()\n"),
            ("«f(k=1,)»\n", "f()\n"),
            ("«f(k=1, a=2)»\n", "f(a=2)\n"),
            ("«f(a, k=1)»\n", "f(a)\n"),
            ("«f(a, k=1,)»\n", "f(a,)\n"),
            ("«f(a, k=(1), b=2)»\n", "f(a, b=2)\n"),
            ("«f(\n    a,  # a\n    k=1,  # k\n    # about b\n    b=2,\n)»\n",
             "f(\n    a,  # a\n    # about b\n    b=2,\n)\n"),
            ("«f(\n    a,\n    k=1\n)»\n", "f(\n    a,\n)\n"),
            ("«f(\n    a,\n    k=g(\n        1,\n    ),\n    b=2,\n)»\n", "f(\n    a,\n    b=2,\n)\n"),
            ("«f(a,\n  k=1)»\n", "f(a)\n"),
            ("«f(a,  # about a\n  k=1)»\n", "f(a  # about a\n  )\n"),
            ("«f(k=1,  # about k\n  a=2)»\n", "f(  # about k\n  a=2)\n"),
        ],
    )  # fmt: skip
    def test_its_comma_and_its_line_go_with_it(self, code: str, expected: str) -> None:
        assert after(code, "remove_argument", name="k") == expected

    def test_one_that_is_not_there_is_refused(self) -> None:
        assert reason("«f(a)»\n", "remove_argument", name="k") == "the call has no argument `k`"


class TestRenameArgument:
    def test_the_value_keeps_its_spelling(self) -> None:
        code = "args = «TrainingArguments(\n    evaluation_strategy = 'steps',  # eval\n)»\n"
        renamed = after(code, "rename_argument", name="evaluation_strategy", new_name="eval_strategy")
        assert renamed == "args = TrainingArguments(\n    eval_strategy = 'steps',  # eval\n)\n"

    def test_a_name_that_is_taken_is_refused(self) -> None:
        assert reason("«f(a=1, b=2)»\n", "rename_argument", name="a", new_name="b") == "the call has `b` already"

    def test_a_name_that_is_none_is_refused(self) -> None:
        assert reason("«f(a=1)»\n", "rename_argument", name="a", new_name="b c") == "`b c` is no name"


class TestAddParameter:
    @pytest.mark.parametrize(
        ("code", "new", "expected"),
        [
            ("«def f(): pass»\n", "n=None", "def f(n=None): pass\n"),
            ("«def f(self, a: int = 1) -> int: pass»\n", "n=None", "def f(self, a: int = 1, n=None) -> int: pass\n"),
            ("«def f(a, **kw): pass»\n", "n=None", "def f(a, n=None, **kw): pass\n"),
            ("«def f(a, *args, **kw): pass»\n", "n=None", "def f(a, *args, n=None, **kw): pass\n"),
            ("«def f(a, *, b): pass»\n", "n", "def f(a, *, b, n): pass\n"),
            ("«def f(a, /): pass»\n", "n=None", "def f(a, /, n=None): pass\n"),
            ("«def f(a): pass»\n", "**kwargs", "def f(a, **kwargs): pass\n"),
            ("«def f(a, **kw): pass»\n", "*args", "def f(a, *args, **kw): pass\n"),
            ("«def f(\n    self,\n    a=(1),  # a\n): pass»\n", "n: int | None = None",
             "def f(\n    self,\n    a=(1),  # a\n    n: int | None = None,\n): pass\n"),
            ("«def f(\n    a,\n    **kw,\n): pass»\n", "n=None", "def f(\n    a,\n    n=None,\n    **kw,\n): pass\n"),
            ("@dec(1)\n«async def f(a): pass»\n", "n=None", "@dec(1)\nasync def f(a, n=None): pass\n"),
        ],
    )  # fmt: skip
    def test_it_stands_last_but_before_double_star(self, code: str, new: str, expected: str) -> None:
        assert after(code, "add_parameter", code=new) == expected

    @pytest.mark.parametrize(
        ("code", "new", "why"),
        [
            ("«def f(a): pass»\n", "a=1", "the function has a parameter `a` already"),
            ("«def f(**kw): pass»\n", "**other", "the function has such a parameter as `**other` already"),
            ("«def f(a=1): pass»\n", "n", "`n` has no default, and would stand after parameters that have one"),
            ("f = «lambda a: a»\n", "n=1", "no `def` stands there"),
        ],
    )
    def test_one_that_cannot_stand_there_is_refused(self, code: str, new: str, why: str) -> None:
        assert reason(code, "add_parameter", code=new) == why


STATEMENTS: dict[str, list[tuple[str, str, str]]] = {
    "insert_before": [
        ("a()\n«b()»  # b\n", "new()", "a()\nnew()\nb()  # b\n"),
        ("a()\n# about b\nb(«1»)\n", "new()", "a()\nnew()\n# about b\nb(1)\n"),
        ("#!/usr/bin/env python\n«b()»\n", "new()", "#!/usr/bin/env python\nnew()\nb()\n"),
        ("for x in y:\n\t«b()»\n", "new()", "for x in y:\n\tnew()\n\tb()\n"),
        ("a(); «b()»; c()\n", "new()", "a(); new(); b(); c()\n"),
        ("«a()»; b()\n", "new()", "new()\na(); b()\n"),
        ("if x: «y()»\n", "new()", "if x: new(); y()\n"),
        ("if x:\n    a(); «b()»\n", "if c:\n    d()", "if x:\n    a()\n    if c:\n        d()\n    b()\n"),
        ("x = 1\n\n@dec\n«def f(): pass»\n", "new()", "x = 1\n\nnew()\n@dec\ndef f(): pass\n"),
        ("x = 1\n\n@«dec»\ndef f(): pass\n", "new()", "x = 1\n\nnew()\n@dec\ndef f(): pass\n"),
        ("if a:\n    b(«c», f(\n  1))\n", 's = """x\ny"""', 'if a:\n    s = """x\ny"""\n    b(c, f(\n  1))\n'),
        ('s = """\n# no comment"""\n«b()»\n', "new()", 's = """\n# no comment"""\nnew()\nb()\n'),
    ],
    "insert_after": [
        ("«a()»  # a\nb()\n", "new()", "a()  # a\nnew()\nb()\n"),
        ("«a()»", "new()", "a()\nnew()"),
        ("«a()»; b()\n", "new()", "a(); new(); b()\n"),
        ("a(); «b()»  # b\n", "new()", "a(); b()  # b\nnew()\n"),
        ("if x: «y()»  # y\n", "new()", "if x: y(); new()  # y\n"),
        ("«a()»; b()\n", "if c:\n    d()", "a()\nif c:\n    d()\nb()\n"),
        ("«for x in y:\n    a()»\n    # end of loop\nb()\n",
         "new()", "for x in y:\n    a()\n    # end of loop\nnew()\nb()\n"),
        ("if x:\n    a(\n        «1»,\n    )\n\nb()\n", "new()", "if x:\n    a(\n        1,\n    )\n    new()\n\nb()\n"),
    ],
    "remove_statement": [
        ("a()\n«b()»  # b\nc()\n", "", "a()\nc()\n"),
        ("a()\n# about b\n«b(\n    1,\n)»\nc()\n", "", "a()\n# about b\nc()\n"),
        ("if x:\n    «b()»  # b\nc()\n", "", "if x:\n    pass  # b\nc()\n"),
        ("if x: «b()»\n", "", "if x: pass\n"),
        ("a(); «b()»; c()\n", "", "a(); c()\n"),
        ("a(); «b()»  # last\n", "", "a()  # last\n"),
        ("«a()»; b()\n", "", "b()\n"),
        ("a()\n«b()»", "", "a()"),
        ("@dec\n«def f():\n    a()»\n\nb()\n", "", "\nb()\n"),
        ("«import x»\n", "", ""),
    ],
    "move_before": [
        ("‹a()›  # a\n# about b\n«b()»  # b\n", "", "# about b\nb()  # b\na()  # a\n"),
        ("x()\n# about a\n‹a()›\nx()\n«b()»", "", "x()\nb()\n# about a\na()\nx()"),
        ("«a()»\nx()\n‹b()›\n", "", "x()\na()\nb()\n"),
        ("‹a()›; x(); «b()»\n", "", "b(); a(); x()\n"),
        ("‹a()›\nx(); «b()»\n", "", "b()\na()\nx()\n"),
        ("x(); ‹a()›\n«b()»  # b\n", "", "x()\nb()  # b\na()\n"),
        ("if y:\n    ‹a()›\n    @d\n    «def f():\n        pass»\n", "",
         "if y:\n    @d\n    def f():\n        pass\n    a()\n"),
        ("if y: ‹a()›; «b()»\n", "", "if y: b(); a()\n"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "code", "new", "expected"), [(kind, *case) for kind, cases in STATEMENTS.items() for case in cases]
)
def test_statements_change_without_their_neighbours(kind: Any, code: str, new: str, expected: str) -> None:
    assert after(code, kind, code=new) == expected


@pytest.mark.parametrize(
    ("kind", "code", "new", "why"),
    [
        ("insert_before", "if a: pass\n«elif b: pass»\n", "new()", "it is an `elif`, which cannot stand alone"),
        ("insert_before", "if a: «b()»\n", "if c:\n    d()",
         "it stands behind a colon, and the new statement needs a line of its own"),
        ("insert_after", "if a: «b()»\n", "new()  # with a comment",
         "it stands behind a colon, and the new statement needs a line of its own"),
        ("insert_before", "a()\n«b()»\n", "new(", "the result would not be valid Python"),
        ("remove_statement", "a(«b»)\n", "", "`b` is no whole statement"),
        ("move_before", "‹a()›\nif x:\n    «b()»\n", "", "the two statements do not stand in the same block"),
        ("move_before", "«a()»\n‹b()›\n", "", "the statement stands there already"),
    ],
)  # fmt: skip
def test_statements_that_have_no_room_are_refused(kind: Any, code: str, new: str, why: str) -> None:
    assert reason(code, kind, code=new) == why


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_new_lines_end_as_the_others_do(newline: str) -> None:
    code = "if x:\n    f(\n        a,\n    )\n    «b()»\n".replace("\n", newline)
    expected = "if x:\n    f(\n        a,\n    )\n    if c:\n        d()\n    b()\n".replace("\n", newline)
    assert after(code, "insert_before", code="if c:\n    d()") == expected
    call = "«f(\n    a,\n)»\n".replace("\n", newline)
    assert after(call, "set_argument", name="k", code="1") == "f(\n    a,\n    k=1,\n)\n".replace("\n", newline)
