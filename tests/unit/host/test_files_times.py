"""Times that hold where the time of day may jump."""

import json
import time

import pytest

from koji_adjutant.host import files
from koji_adjutant.host.files import age, stamp


def test_a_stamp_survives_json_and_says_how_long_ago() -> None:
    kept = json.loads(json.dumps(stamp()))
    assert kept["boot_id"] == files.boot_id()
    kept["since_boot"] -= 100
    assert age(kept) == pytest.approx(100, abs=10)


def test_a_time_of_day_that_is_set_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = stamp()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= (age(kept) or 0.0) < 10


@pytest.mark.parametrize("change", [{"boot_id": "another"}, {"since_boot": 1e12}, {"since_boot": "x"}])
def test_of_another_boot_or_of_the_future_nothing_is_known(change: dict[str, object]) -> None:
    assert age({**stamp(), **change}) is None


@pytest.mark.parametrize("kept", [None, {}, [], "x"])
def test_what_is_no_stamp_has_no_age(kept: object) -> None:
    assert age(kept) is None
