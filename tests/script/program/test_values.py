"""What expressions and statements give: names, branches, settings, items, functions, classes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.script.programs import program_of, seen, the_call

from trainclinic.script.program.open_values import Setting
from trainclinic.script.program.reading import (
    condition_text,
    constants,
    dtypes,
    flag,
    only,
    possible,
)
from trainclinic.script.program.values import Choice, Constant, Element, External


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("x = 3\nlook(x)", 3),
        ("x, y = 1, 2\nlook(y)", 2),
        ("x = [1, 2, 3]\nlook(x[-1])", 3),
        ("x = {'a': 5}\nlook(x['a'])", 5),
        ("x = {'a': 5}\nx['a'] = 6\nlook(x['a'])", 6),
        ("x = dict(a=1, **{'b': 2})\nlook(x['b'])", 2),
        ("look(2e-4 * 10)", 2e-3),
        ("look(-1)", -1),
        ("look('a' + 'b')", "ab"),
        ("n = 3\nlook(f'r{n}')", "r3"),
        ("look(float('2e-5'))", 2e-5),
        ("def f(a, b=4): return b\nlook(f(1))", 4),
        ("def f(*a, **k): return k['z']\nlook(f(1, z=9))", 9),
        ("f = lambda q: q\nlook(f(8))", 8),
        ("from functools import partial\ndef f(a, b): return b\ng = partial(f, 1)\nlook(g(7))", 7),
        ("class A:\n    k = 2\n    def m(self): return self.k\nlook(A().m())", 2),
        ("class A:\n    def __init__(self, v): self.v = v\na = A(5)\nlook(a.v)", 5),
        ("class A:\n    def f(self): return 1\nclass B(A):\n    def f(self): return super().f()\nlook(B().f())", 1),
        ("class A:\n    @property\n    def p(self): return 4\nlook(A().p)", 4),
        ("class A:\n    @staticmethod\n    def s(v): return v\nlook(A.s(3))", 3),
        ("class A:\n    @classmethod\n    def s(cls, v): return v\nlook(A.s(3))", 3),
        ("x = 1\nif False:\n    x = 2\nlook(x)", 1),
        ("def f(t=None):\n    if t is None:\n        return 1\n    return 2\nlook(f())", 1),
        ("setattr(o, 'n', 4)\nlook(getattr(o, 'n'))", 4),
        ("x = 1\ndef f():\n    global x\n    x = 2\nf()\nlook(x)", 2),
        ("xs = []\nxs.append(6)\nfor x in xs:\n    look(x)", 6),
        ("look(not True)", False),
        ("cfg = {'a': 1}\ncfg.update(a=2)\ndef f(a): return a\nlook(f(**cfg))", 2),
        ("if (n := 5):\n    pass\nlook(n)", 5),
    ],
)
def test_what_the_code_fixes_is_known(tmp_path: Path, code: str, value: object) -> None:
    assert only(seen(program_of(tmp_path, "from tool import look\no = look\n" + code))) == value


def test_a_branch_leaves_both_values_with_their_condition(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        import torch
        from tool import look, device
        kind = torch.float32
        if device != "cpu":
            kind = torch.float16
        look(kind)
        """,
    )
    found = {name: condition_text(when) for name, when in dtypes(seen(program))}
    assert found == {"float16": "`device != 'cpu'`", "float32": "`not (device != 'cpu')`"}


def test_a_branch_that_returns_leaves_nothing_behind(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from tool import look, test
        def f():
            x = 1
            if test:
                x = 2
                return
            look(x)
        f()
        """,
    )
    assert only(seen(program)) == 1
    assert [str(c) for c in the_call(program, "look").event.conditions] == ["not test"]


def test_a_ternary_and_an_or_are_choices(tmp_path: Path) -> None:
    program = program_of(tmp_path, "from tool import look, a, b\nlook(1 if a else 2)\nlook(b or 3)")
    first, second = (call.args[0] for call in program.calls_ending("look"))
    assert constants(first) == [1, 2]
    assert constants(second) == [3]
    assert not possible(second)[1]


@pytest.mark.parametrize(
    "code",
    [
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=1e-4)\n"
        "a = p.parse_args()\nlook(a.lr)",
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', default=1e-4)\n"
        "a, rest = p.parse_known_args()\nlook(vars(a)['lr'])",
        "import os\nlook(float(os.environ.get('LR', '1e-4')))",
        "import os\nlook(float(os.getenv('LR', 1e-4)))",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    lr: float = 1e-4\nlook(C().lr)",
        "from dataclasses import dataclass, field\n@dataclass\nclass C:\n    lr: float = field(default=1e-4)\n"
        "look(C().lr)",
        "import fire\ndef main(lr=1e-4):\n    look(lr)\nfire.Fire(main)",
    ],
)
def test_what_the_user_can_override_is_a_setting_with_its_default(tmp_path: Path, code: str) -> None:
    (one,), complete = possible(seen(program_of(tmp_path, "from tool import look\n" + code)))
    assert one.value == 1e-4
    assert isinstance(one.setting, Setting)
    assert complete


def test_a_dataclass_field_that_is_handed_over_is_no_default(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from dataclasses import dataclass
        from tool import look
        @dataclass
        class C:
            lr: float = 1e-4
        look(C(lr=3).lr)
        """,
    )
    assert only(seen(program)) == 3


def test_an_option_without_default_is_unknown_and_a_flag_is_off(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        import argparse
        from tool import look
        p = argparse.ArgumentParser()
        p.add_argument("--name")
        p.add_argument("--use-fp16", action="store_true")
        a = p.parse_args()
        look(a.name, a.use_fp16)
        """,
    )
    call = the_call(program, "look")
    assert possible(call.args[0]) == ([], False)
    assert flag(call.args[1]) is False


def test_names_come_out_of_other_files_that_import_each_other(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        "from data import make, LIMIT\nimport data as d\nfrom tool import look\nlook(make(), LIMIT, d.LIMIT)",
        data="LIMIT = 7\ndef make():\n    import train\n    return LIMIT + 1\n",
    )
    assert [only(value) for value in the_call(program, "look").args] == [8, 7, 7]


def test_libraries_keep_their_name_whatever_path_they_come_by(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        import torch.nn.functional as F
        from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel as M
        from torch.optim import AdamW
        import torch
        F.cross_entropy(1, 2)
        M.from_pretrained("gpt2")
        AdamW([]); torch.optim.adamw.AdamW([])
        """,
    )
    assert program.calls_of("torch.nn.functional.cross_entropy")
    assert program.calls_of("transformers.GPT2LMHeadModel.from_pretrained")
    assert len(program.calls_of("torch.optim.AdamW")) == 2


def test_a_recursion_and_a_long_chain_of_calls_come_to_an_end(tmp_path: Path) -> None:
    chain = "".join(f"def f{n}(x): return f{n + 1}(x)\n" for n in range(60)) + "def f60(x): return x\n"
    program = program_of(tmp_path, f"from tool import look\ndef r(n): return r(n - 1)\nr(3)\n{chain}f0(1)\nlook(2)")
    assert program.calls_ending("look")


def test_a_function_that_nobody_calls_is_walked_with_open_parameters(tmp_path: Path) -> None:
    program = program_of(tmp_path, "from tool import look\ndef f(model, k=3):\n    look(model, k)")
    model, k = the_call(program, "look").args
    assert type(model).__name__ == "Parameter"
    assert constants(k) == [3]
    assert possible(k)[0][0].setting is not None


def test_methods_of_a_class_that_nobody_uses_know_what_its_constructor_stored(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from tool import look
        class T:
            def run(self):
                look(self.kind)
            def __init__(self):
                self.kind = 5
        """,
    )
    assert only(seen(program)) == 5


def test_a_loop_marks_what_happens_in_it_callees_included(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from tool import look, rows
        def step(row):
            look(row)
        for row in rows():
            step(row)
        look(0)
        """,
    )
    inside, outside = program.calls_ending("look")
    assert len(inside.event.loops) == 1
    assert isinstance(inside.args[0], Element)
    assert outside.event.loops == ()


def test_contexts_and_decorators_stand_around_what_happens_in_them(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        import torch
        from tool import look
        @torch.no_grad()
        def f():
            with torch.autocast("cuda"):
                look(1)
        f()
        """,
    )
    names = [getattr(c.function, "name", "") for c in the_call(program, "look").event.contexts]  # type: ignore[attr-defined]
    assert names == ["torch.no_grad", "torch.autocast"]


def test_an_attribute_that_was_set_is_read_back_on_the_same_object(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from transformers import AutoTokenizer
        from tool import look
        tok = AutoTokenizer.from_pretrained("x")
        other = tok
        other.pad_token = tok.eos_token
        look(tok.pad_token is tok.eos_token, tok.pad_token)
        """,
    )
    assert seen(program, 1).code == "tok.eos_token"


def test_accelerate_hands_back_what_it_prepared(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from accelerate import Accelerator
        from tool import look, build
        m = build()
        acc = Accelerator()
        a, b = acc.prepare(m, 3)
        look(a, b)
        """,
    )
    a, b = the_call(program, "look").args
    assert only(b) == 3
    assert program.is_prepared(a)
    assert not program.is_prepared(the_call(program, "Accelerator"))


def test_classes_of_the_files_count_as_their_library_bases(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        "from transformers import Trainer\nclass Mine(Trainer):\n    pass\nclass Own(Mine):\n    pass\nOwn(model=1)",
    )
    assert len(program.calls_of("transformers.Trainer")) == 1
    assert [cls.name for cls in program.subclasses_of("Trainer")] == ["Mine", "Own"]


def test_a_choice_never_grows_without_bound(tmp_path: Path) -> None:
    code = "from tool import look, t\nx = 0\n" + "".join(f"if t({n}):\n    x = {n}\n" for n in range(60)) + "look(x)"
    value = seen(program_of(tmp_path, code))
    assert isinstance(value, Choice)
    assert len(value.options) <= 12


def test_an_exception_handler_leaves_a_choice(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        "from tool import look, risky\ntry:\n    x = 1\n    risky()\nexcept ValueError:\n    x = 2\nlook(x)",
    )
    assert sorted(constants(seen(program))) == [1, 2]


def test_a_parser_of_configuration_classes_gives_objects_and_training_arguments(tmp_path: Path) -> None:
    program = program_of(
        tmp_path,
        """
        from dataclasses import dataclass
        from transformers import HfArgumentParser, TrainingArguments
        from tool import look
        @dataclass
        class Model:
            name: str = "gpt2"
        model, args = HfArgumentParser((Model, TrainingArguments)).parse_args_into_dataclasses()
        look(model.name, args)
        """,
    )
    name, args = the_call(program, "look").args
    assert constants(name) == ["gpt2"]
    assert isinstance(args.function, External)  # type: ignore[attr-defined]
    assert program.calls_of("transformers.TrainingArguments")


def test_a_literal_is_the_constant_it_looks_like(tmp_path: Path) -> None:
    value = seen(program_of(tmp_path, "from tool import look\nlook('x')"))
    assert isinstance(value, Constant)
    assert str(value.place) == "train.py:2:6"
