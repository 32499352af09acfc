import json

import pytest

from koji_adjutant.monitoring.event_stream import begin_after, encoded
from koji_adjutant.monitoring.registry import KEPT_EVENTS
from koji_adjutant.monitoring.views import EventView


@pytest.mark.parametrize(
    ("last", "newest", "begin"),
    [
        (None, 7, 7),
        ("", 7, 7),
        ("ab12-5", 7, 5),
        ("ab12-7", 7, 7),
        ("ab12-8", 7, None),
        ("other-5", 7, None),
        ("cd34-5", 7, None),
        ("5", 7, None),
        ("ab12-1", KEPT_EVENTS + 2, None),
        ("ab12-" + "9" * 40, 7, None),
    ],
)
def test_where_a_client_goes_on(last: str | None, newest: int, begin: int | None) -> None:
    assert begin_after(last, "ab12", newest) == begin


def test_an_event_is_one_line_whatever_it_says() -> None:
    event = EventView(
        number=3,
        time=1.0,
        name="failed",
        task=5,
        container="",
        details={"error": "a\n\ndata: b\r\u2028", "x": float("nan")},
    )
    first, second, *rest = encoded(event, "ab12").decode().split("\n")
    assert (first, rest) == ("id: ab12-3", ["", ""])
    assert json.loads(second.removeprefix("data: "))["details"] == {
        "error": "a\n\ndata: b\r\u2028",
        "x": None,
    }
