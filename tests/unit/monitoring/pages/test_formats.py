"""How values are written on a page."""

import pytest

from koji_adjutant.monitoring.pages import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-3.0, "0.0 s"),
        (0.42, "0.4 s"),
        (9.94, "9.9 s"),
        (9.97, "10 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (187, "3:07"),
        (3599.7, "1:00:00"),
        (3729, "1:02:09"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "an unknown time"),
        (1, "1 second"),
        (59, "59 seconds"),
        (61, "1 minute"),
        (7300, "2 hours"),
        (90_000, "1 day"),
    ],
)
def test_durations_in_a_sentence(seconds: float | None, text: str) -> None:
    assert formats.spoken(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (512, "512 B"),
        (1500, "1.5 kB"),
        (61_000_000, "61 MB"),
        (3.2e12, "3.2 TB"),
        (4e15, "4000 TB"),
    ],
)
def test_sizes(number: float | None, text: str) -> None:
    assert formats.size(number) == text


def test_numbers_and_shares() -> None:
    assert formats.count(1_234_567) == "1\u202f234\u202f567"
    assert formats.percent(0.876) == "88\u00a0%"
    assert (formats.count(None), formats.percent(None)) == ("–", "–")


def test_times_are_utc() -> None:
    assert formats.clock(1_796_000_000) == "00:53:20"
    assert formats.moment(1_796_000_000) == "2026-11-30 00:53"
    assert formats.date(1_796_000_000) == "2026-11-30"
    assert formats.iso(1_796_000_000) == "2026-11-30T00:53:20+00:00"


def test_a_digest_is_short() -> None:
    assert formats.digest("sha256:" + "ab" * 32) == "sha256:abababababab"
    assert formats.digest("ab" * 32) == "abababababab"


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", "//elsewhere.example.org", "", " https://x"]
)
def test_a_link_is_of_the_web(text: str) -> None:
    assert formats.web_address(text) == ""
    assert formats.web_address("https://koji.example.org/") == "https://koji.example.org/"
