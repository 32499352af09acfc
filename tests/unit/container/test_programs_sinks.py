"""Sinks that keep a part, or nothing."""

from koji_adjutant.container.interface import LogSink
from koji_adjutant.container.programs import HeadSink, NullSink, TailSink, TeeSink


def say(sink: LogSink) -> None:
    sink.write("stdout", b"one ")
    sink.write("stderr", b"two ")
    sink.write("stdout", b"three")


def test_the_beginning_of_what_is_said() -> None:
    for sink, expected in (
        (HeadSink(), b"one three"),
        (HeadSink(6), b"one th"),
        (HeadSink(with_errors=True), b"one two three"),
    ):
        say(sink)
        assert sink.data == expected


def test_the_end_of_what_is_said() -> None:
    for sink, expected in ((TailSink(), b"one two three"), (TailSink(7), b"o three")):
        say(sink)
        assert sink.data == expected


def test_two_that_want_it() -> None:
    first, second = HeadSink(), TailSink()
    say(TeeSink(first, NullSink(), second))
    assert (first.data, second.data) == (b"one three", b"one two three")
