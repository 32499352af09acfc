"""Adding up, and coming back from a file."""

import json
from typing import Any

import pytest

from koji_adjutant.monitoring import families
from koji_adjutant.monitoring.tally import Tally


def rows(tally: Tally, family: families.Family) -> list[tuple[tuple[str, ...], list[float]]]:
    return [(labels, list(cells)) for labels, cells in tally.of(family)]


@pytest.mark.parametrize(
    "odd", [-1, 0, True, None, "7", [1], float("nan"), float("inf"), 10**400, 1e300, float("-inf")], ids=repr
)
def test_a_counter_never_goes_back_whatever_it_is_given(odd: Any) -> None:
    tally = Tally()
    tally.add(families.UPLOADED, 5)
    tally.add(families.UPLOADED, odd)
    tally.add_up(families.HUB_DURATION, odd, odd)
    assert rows(tally, families.UPLOADED) == [((), [5.0])]
    assert rows(tally, families.HUB_DURATION) == []


def test_a_duration_is_in_the_bucket_that_ends_with_it() -> None:
    tally = Tally()
    first, second = families.POPULATE.buckets[:2]
    for seconds in (0.0, first, first + 0.1, second, 1e6):
        tally.observe(families.POPULATE, seconds)
    ((_, cells),) = rows(tally, families.POPULATE)
    assert cells[:3] == [2, 2, 0]
    assert cells[-2:] == [1, first + first + 0.1 + second + 1e6]


def test_what_was_written_is_read() -> None:
    tally = Tally()
    tally.add(families.GIVEN_BACK, 2, "stop")
    tally.begin(families.GIVEN_BACK, "lost")
    tally.observe(families.TASK_DURATION, 3.5, "buildArch")
    tally.add_up(families.HUB_DURATION, 3, 0.25)
    again = Tally.from_json(json.loads(json.dumps(tally.to_json())))
    assert rows(again, families.GIVEN_BACK) == [(("lost",), [0.0]), (("stop",), [2.0])]
    for family in (families.TASK_DURATION, families.HUB_DURATION):
        assert rows(again, family) == rows(tally, family)
    assert rows(again, families.TASK_DURATION)


def test_metrics_of_another_version_are_passed_over() -> None:
    assert Tally.from_json({"of_tomorrow_total": [[[], [1.0]]], "ready": [[[], [1.0]]]}).to_json() == {}


@pytest.mark.parametrize(
    "data",
    [
        {"upload_bytes_total": [[[], [1.0, 2.0]]]},
        {"upload_bytes_total": [[["more"], [1.0]]]},
        {"upload_bytes_total": [[[], [-1.0]]]},
        {"upload_bytes_total": [[[], ["1"]]]},
        {"upload_bytes_total": [[[], [float("nan")]]]},
        {"given_back_total": [[[7], [1.0]]]},
    ],
    ids=str,
)
def test_what_is_damaged_is_an_error(data: Any) -> None:
    with pytest.raises(ValueError, match=r"of (upload_bytes|given_back)_total"):
        Tally.from_json(data)
