"""No text that people know is lost or changed by accident."""

from tests.error_texts import GOLDEN, sentences


def test_every_text_is_still_there() -> None:
    lost = sorted(set(GOLDEN.read_text().splitlines()) - set(sentences()))
    assert not lost, "\n".join([*lost, "-- if that is meant: python -m tests.error_texts"])
