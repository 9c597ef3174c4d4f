"""The coding of histories: what goes in comes out, for every version, and in few rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainclinic.script.oracle.parameters import Parameter, Shape
from trainclinic.script.oracle.timeline import decode, encode, spans

PARAMETER = st.builds(
    Parameter,
    name=st.sampled_from("abcdef"),
    kind=st.sampled_from(["positional", "keyword", "var_keyword"]),
    default=st.sampled_from([None, "1", "..."]),
)
SHAPE = st.builds(
    Shape,
    parameters=st.lists(PARAMETER, max_size=5, unique_by=lambda parameter: parameter.name).map(tuple),
    continues=st.sampled_from([(), ("lib.Base",), ("lib.Base", "lib.Other")]),
)


@given(st.dictionaries(st.integers(0, 7), SHAPE, min_size=1))
def test_every_version_is_decoded_as_it_was_encoded(shapes: dict[int, Shape]) -> None:
    history = encode(shapes, newest=7)
    assert {index: decode(history, index) for index in range(8)} == {index: shapes.get(index) for index in range(8)}


def test_an_alias_keeps_its_new_name() -> None:
    shape = Shape((Parameter("old", "keyword", "...", "new"),))
    assert decode(encode({0: shape}, newest=0), 0) == shape


def test_a_parameter_that_never_changes_takes_one_row() -> None:
    first = Parameter("a", "positional")
    shapes = {index: Shape((first, *([Parameter("b", "keyword", "1")] if index > 1 else []))) for index in range(5)}
    assert encode(shapes, newest=4)["rows"] == [["a", "p", None, 0, -1], ["b", "k", "1", 2, -1]]


def test_gaps_make_spans() -> None:
    assert spans([0, 1, 3, 5, 6], newest=6) == [[0, 1], [3, 3], [5, -1]]
