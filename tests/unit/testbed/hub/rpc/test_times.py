"""Moments as Koji sends and takes them."""

import koji
import pytest

from koji_adjutant.testbed.hub.rpc.times import add_times, epoch_seconds, utc_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, None), (0, "1970-01-01 00:00:00+00:00"), (0.25, "1970-01-01 00:00:00.250000+00:00")],
)
def test_as_text(seconds: float | None, text: str | None) -> None:
    assert utc_text(seconds) == text
    assert add_times({"create_ts": seconds}, "create") == {"create_ts": seconds, "create_time": text}


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (5, 5.0),
        (5.5, 5.5),
        ("1970-01-01 00:00:05", 5.0),
        ("1970-01-01T01:00:05+01:00", 5.0),
        ("1970-01-02", 86400.0),
    ],
)
def test_as_clients_write_it(moment: float | str, seconds: float) -> None:
    assert epoch_seconds(moment) == seconds


def test_what_is_no_moment() -> None:
    with pytest.raises(koji.ParameterError, match="not a moment: 'soon'"):
        epoch_seconds("soon")
