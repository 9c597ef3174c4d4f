"""Time stamps of console lines."""

from __future__ import annotations

import math

import pytest

from trainclinic.readers.grammars.numbers import stamp_seconds


@pytest.mark.parametrize(
    "text",
    [
        "2024-06-17 14:43:20,000",
        "2024-06-17T14:43:20Z",
        "2024-06-17 14:43:20+01:00",
        "06/17/2024 14:43:20",
        "2024-6-17 14:43:20",
    ],
)
def test_what_stands_behind_the_time_of_day_is_left_alone(text):
    assert stamp_seconds([text]).tolist() == [1718635400.0]


@pytest.mark.parametrize(
    "text", ["2024-06-17 +1:00", "2024-06-17 noon", "2024-13-45 25:61:00", "2024-06-1+1:0:0 00:00:00"]
)
def test_what_is_no_date_is_no_number(text):
    assert math.isnan(stamp_seconds([text])[0])


def test_one_damaged_stamp_does_not_cost_the_others():
    good, bad = stamp_seconds(["2024-06-17 14:43:20", "2024-06-17 14:99:20"])
    assert good == 1718635400.0
    assert math.isnan(bad)
