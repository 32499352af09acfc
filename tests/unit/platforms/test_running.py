"""Parts of platforms are run one after the other, and what came of each is told and kept."""

import time
from pathlib import Path

import pytest

from koji_adjutant.errors import AdjutantError
from tests.platforms.part import Part, PartFailed, Place, Platform
from tests.platforms.results import Results
from tests.platforms.running import chosen, run


def failing(place: Place) -> str:
    raise PartFailed("it did not")


def platform(letter: str, *parts: Part, versions: dict[str, str] | None = None) -> Platform:
    return Platform(
        letter=letter, host="Debian", how="a root", versions=lambda _place: versions or {}, parts=parts
    )


def part(name: str = "demo", *, is_in_ci: bool = False) -> Part:
    return Part(name=name, minutes=1, run=lambda _place: f"{name} ran", is_in_ci=is_in_ci)


def test_a_part_that_fails_keeps_no_other_from_running(tmp_path: Path) -> None:
    said: list[str] = []
    broken = Part(name="broken", minutes=1, run=failing)
    platforms = [platform("A", broken, part(), versions={"podman": "4.3.1"}), platform("B", part())]
    *_, known = run(platforms, Results(), tmp_path, said.append)
    assert [(one.platform, one.part, one.failure, one.saw) for one in known.results] == [
        ("A", "broken", "it did not", ""),
        ("A", "demo", "", "demo ran"),
        ("B", "demo", "", "demo ran"),
    ]
    assert "podman 4.3.1" in said[0]
    assert "FAILED" in said[1]
    assert "it did not" in said[1]


def test_a_platform_that_does_not_come_up_has_failed(tmp_path: Path) -> None:
    bad = Platform(letter="A", host="Debian", how="a root", versions=failing_versions, parts=(part(),))
    *_, known = run([bad, platform("B", part())], Results(), tmp_path, lambda _line: None)
    assert [(one.platform, one.part, one.failure) for one in known.results] == [
        ("A", "begin", "no root"),
        ("B", "demo", ""),
    ]


def failing_versions(place: Place) -> dict[str, str]:
    raise PartFailed("no root")


def test_continuous_integration_runs_what_is_marked_for_it(tmp_path: Path) -> None:
    platforms = [platform("A", part()), platform("B", part("core", is_in_ci=True), part("power"))]
    wanted = chosen(platforms, (), ci=True)
    *_, known = run(wanted, Results(), tmp_path, lambda _line: None, with_versions=False)
    assert [(one.platform, one.part) for one in known.results] == [("B", "core")]


def test_a_part_that_does_not_fit_in_the_time_is_not_begun_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    long = Part(name="power", minutes=60, run=failing)
    platforms = [platform("A", long, part())]
    *_, known = run(platforms, Results(), tmp_path, said.append, until=time.monotonic() + 600)
    assert [(one.part, one.failure) for one in known.results] == [("demo", "")]
    assert "not run: 60 min, of which 10.0 are left" in said[1]


def test_platforms_and_parts_are_chosen_by_name() -> None:
    platforms = [platform("A", part()), platform("B", part(), part("core"))]
    assert [one.letter for one in chosen(platforms, ())] == ["A", "B"]
    assert [one.letter for one in chosen(platforms, ("B",))] == ["B"]
    (only,) = chosen(platforms, (), ("core",))
    assert (only.letter, [part.name for part in only.parts]) == ("B", ["core"])
    with pytest.raises(AdjutantError, match="no such platform: X"):
        chosen(platforms, ("X", "A"))


def test_a_command_that_fails_is_told_with_its_last_lines(tmp_path: Path) -> None:
    place = Place(directory=tmp_path / "B" / "demo", seconds=60)
    assert place.command(["echo", "first"]) == "first\n"
    with pytest.raises(PartFailed, match="ended with 3: it is so"):
        place.command(["sh", "-c", "echo it is so; exit 3"])
    assert place.log.read_text() == "first\nit is so\n"


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    place = Place(directory=tmp_path, seconds=0.05)
    began = time.monotonic()
    with pytest.raises(PartFailed, match="hangs"):
        place.command(["sleep", "600"])
    assert time.monotonic() - began < 60
