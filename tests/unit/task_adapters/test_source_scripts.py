"""The scripts that make a source package of a checkout; rpmbuild is played."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from koji_adjutant.task_adapters.rpmbuild import AUTOSPEC, BUILT, FAILED, TEXTS

RPMBUILD = """\
#!/bin/bash
printf '%s\\n' "$*" >>"$HOME/calls"
exit "$(cat "$HOME/status" 2>/dev/null || echo 0)"
"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One run of a script."""

    status: int
    messages: list[str]
    output: str


@dataclass(frozen=True, kw_only=True)
class Home:
    """The build user's, with a checkout of hello."""

    path: Path

    @property
    def checkout(self) -> Path:
        return self.path / "scmroot" / "hello"

    @property
    def sources(self) -> set[str]:
        return {path.name for path in (self.path / "build" / "SOURCES").iterdir()}

    @property
    def calls(self) -> list[str]:
        calls = self.path / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def run(self, action: str, *arguments: str) -> Said:
        path = f"{self.path}/bin:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "-c", TEXTS[action], f"{action}.sh", "noarch", *arguments],
            env={"PATH": path, "HOME": str(self.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(status=done.returncode, messages=done.stderr.splitlines(), output=done.stdout)

    def srpm(self, spec: str, layout: str, history: str, *command: str) -> Said:
        return self.run("srpm", str(self.checkout), spec, layout, history, *command)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(path=tmp_path / "home")
    (found.checkout / "SPECS").mkdir(parents=True)
    (found.checkout / "SOURCES").mkdir()
    (found.checkout / ".git").mkdir()
    for name in ("hello.spec", "hello.tar", "SPECS/other.spec", "SOURCES/other.tar"):
        (found.checkout / name).write_text(f"# {name}\n")
    (found.path / "bin").mkdir()
    (found.path / "bin" / "rpmbuild").write_text(RPMBUILD)
    (found.path / "bin" / "rpmbuild").chmod(0o755)
    (found.path / ".bash_profile").write_text(f'PATH="{found.path}/bin:$PATH"\n')
    return found


def test_all_of_a_checkout_is_the_sources(home: Home) -> None:
    (home.checkout / "SOURCES").rename(home.checkout / "more")
    said = home.srpm("hello.spec", "yes", "no")
    assert (said.status, said.messages) == (BUILT, ["phase rpmbuild-bs", "result built"])
    assert home.sources == {".git", "SPECS", "more", "hello.spec", "hello.tar"}
    assert home.calls == [
        f"-bs --noclean --target noarch --nodeps {home.path}/build/SPECS/hello.spec",
    ]


@pytest.mark.parametrize(("layout", "sources"), [("yes", {"other.tar"}), ("no", {"hello.tar", "SOURCES"})])
def test_the_layout_of_rpm(home: Home, layout: str, sources: set[str]) -> None:
    assert home.srpm("SPECS/other.spec", layout, "no").status == BUILT
    assert home.sources >= sources
    assert (home.path / "build" / "SPECS" / "other.spec").read_text() == "# SPECS/other.spec\n"


def test_what_was_in_sources_is_not(home: Home) -> None:
    (home.path / "build" / "SOURCES" / "old").mkdir(parents=True)
    assert home.srpm("hello.spec", "no", "no").status == BUILT
    assert "old" not in home.sources


def test_a_command_runs_in_the_checkout_and_before(home: Home) -> None:
    said = home.srpm("hello.spec", "no", "no", "touch", "fetched 1", "fetched;2")
    assert said.messages == ["phase sources", "phase rpmbuild-bs", "result built"]
    assert {"fetched 1", "fetched;2"} <= home.sources


def test_one_word_is_a_command_line(home: Home) -> None:
    said = home.run("sources", str(home.checkout), "touch made; exit 3")
    assert (said.status, said.messages[-1]) == (FAILED, "result sources 3")
    assert (home.checkout / "made").exists()


def test_a_command_that_fails_ends_it(home: Home) -> None:
    said = home.srpm("hello.spec", "no", "no", "sh", "-c", "exit 5")
    assert (said.status, said.messages) == (FAILED, ["phase sources", "result sources 5"])
    assert home.calls == []


def test_rpmbuild_that_fails(home: Home) -> None:
    (home.path / "status").write_text("1")
    said = home.srpm("hello.spec", "no", "no")
    assert (said.status, said.messages[-1]) == (FAILED, "result rpmbuild-bs 1")


def test_history_is_worked_in_before_if_somebody_does(home: Home) -> None:
    (home.checkout / "hello.spec").write_text("Release: %autorelease\n")
    said = home.srpm("hello.spec", "no", "yes")
    assert (said.status, said.messages) == (AUTOSPEC, ["result autospec"])
    assert home.calls == []
    assert home.run("laidout", "hello.spec").status == BUILT
    assert len(home.calls) == 1


def test_history_of_nobody_is_not_asked_for(home: Home) -> None:
    (home.checkout / "hello.spec").write_text("Release: %autorelease\n")
    assert home.srpm("hello.spec", "no", "no").status == BUILT
