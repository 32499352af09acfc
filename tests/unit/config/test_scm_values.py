"""Values of the options of builds from source control."""

from pathlib import Path

import pytest

from koji_adjutant.config import scm_values
from koji_adjutant.container.interface import VolumeMount


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/10m", scm_values.LowSpeed(bytes=1, seconds=600)),
        ("1k/30", scm_values.LowSpeed(bytes=1024, seconds=30)),
        ("None", None),
    ],
)
def test_low_speeds(text: str, expected: scm_values.LowSpeed | None) -> None:
    assert scm_values.low_speed(text) == expected


@pytest.mark.parametrize("text", ["", "1", "1/", "/10", "0/10", "1/0", "fast/10"])
def test_no_low_speeds(text: str) -> None:
    with pytest.raises(ValueError, match="bytes a second/time"):
        scm_values.low_speed(text)


def test_paths_of_the_daemons_user() -> None:
    assert scm_values.user_paths("~/a /b") == (Path("~/a"), Path("/b"))
    assert scm_values.optional_user_path("") is None
    with pytest.raises(ValueError, match="begins with ~/"):
        scm_values.optional_user_path("~other/x")


def test_what_may_be_left_to_the_host() -> None:
    assert scm_values.auto_or_path("auto") == scm_values.auto_or_mounts("auto") == "auto"
    assert scm_values.auto_or_path("/x") == Path("/x")
    assert scm_values.auto_or_path("") is None
    assert scm_values.auto_or_mounts("") == ()
    assert scm_values.auto_or_mounts("/a:/b") == (VolumeMount(source="/a", target="/b", options=("rbind",)),)
