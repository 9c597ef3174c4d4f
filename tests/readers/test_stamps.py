"""Time stamps of console lines."""

from __future__ import annotations

import math

import pytest

from trainclinic.readers.grammars.numbers import stamp_seconds


@pytest.mark.parametrize(
    "text", ["2024-06-17 14:43:20,000", "2024-06-17T14:43:20Z", "2024-06-17 14:43:20+01:00", "06/17/2024 14:43:20"]
)
def test_what_stands_behind_the_time_of_day_is_left_alone(text):
    assert stamp_seconds([text]).tolist() == [1718635400.0]


@pytest.mark.parametrize("text", ["2024-06-17 +1:00", "2024-06-17 noon", "2024-13-45 25:61:00"])
def test_what_is_no_date_is_no_number(text):
    assert math.isnan(stamp_seconds([text])[0])
