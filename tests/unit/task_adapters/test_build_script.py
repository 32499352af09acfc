"""What the build script says of a build; rpm and rpmbuild are played by a script that keeps what it was called with."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from koji_adjutant.task_adapters.rpmbuild import BUILD_SCRIPT, BUILT, DYNAMIC, FAILED, MISSING

PLAYER = """\
#!/bin/bash
printf '%s\\n' "${0##*/} $*" >>"$PLAY/calls"
[[ "${0##*/} $*" == "setarch i686 "* ]] && exec "${@:2}"
case "${0##*/} $*" in
"rpm -qp --requires "*) cat "$PLAY/requires" ;;
"rpm --eval "*) cat "$PLAY/eval" 2>/dev/null ;;
"rpmbuild -bs "*) for name in $(cat "$PLAY/srpms"); do touch "$HOME/build/SRPMS/$name"; done ;;
"rpmbuild -br "*) touch "$HOME/build/SRPMS/x-1-1.buildreqs.nosrc.rpm" ;;
esac
[[ ${0##*/} == rpmbuild ]] && echo "level $SHLVL machine ${ADJUTANT_MACHINE-unset}"
exit "$(cat "$PLAY/status$1" 2>/dev/null || echo 0)"
"""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One run of the script."""

    status: int
    messages: list[str]
    output: str
    calls: list[str]


@dataclass(frozen=True, kw_only=True)
class Play:
    """A home directory, and what the played commands do in it."""

    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def set(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text)

    def run(self, *arguments: str, **environment: str) -> Said:
        home, calls = self.directory / "home", self.directory / "calls"
        calls.unlink(missing_ok=True)
        path = f"{self.directory}/bin:{os.environ['PATH']}"
        (home / ".bash_profile").write_text(f'PATH="{path}"\n')
        done = subprocess.run(
            ["/bin/bash", "-c", BUILD_SCRIPT.read_text(), "build.sh", *arguments],
            env={"PATH": path, "HOME": str(home), "PLAY": str(self.directory), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(
            status=done.returncode,
            messages=done.stderr.splitlines(),
            output=done.stdout,
            calls=calls.read_text().splitlines() if calls.exists() else [],
        )


@pytest.fixture
def play(tmp_path: Path) -> Play:
    for name in ("SPECS", "SRPMS", "originals"):
        (tmp_path / "home" / "build" / name).mkdir(parents=True)
    (tmp_path / "home" / "build" / "SPECS" / "x.spec").touch()
    (tmp_path / "bin").mkdir()
    for name in ("rpm", "rpmbuild", "setarch"):
        program = tmp_path / "bin" / name
        program.write_text(PLAYER)
        program.chmod(0o755)
    play = Play(directory=tmp_path)
    play.set("requires", "gcc >= 4\n(a or b)\nrpmlib(CompressedFileNames) <= 3.0.4-1\n")
    play.set("srpms", "x-1-1.src.rpm")
    return play


def test_a_build_with_everything_there(play: Play) -> None:
    said = play.run("source", "x86_64", "x-1-1.src.rpm")
    assert said.status == BUILT
    assert said.messages == [
        "phase unpack", "phase rpmbuild-bs", "source x-1-1.src.rpm", "require gcc >= 4", "require (a or b)",
        "phase check", "phase rpmbuild-bb", "result built",
    ]  # fmt: skip
    assert [call.split()[:2] for call in said.calls if call.startswith("rpmbuild")] == [
        ["rpmbuild", "-bs"],
        ["rpmbuild", "-bc"],
        ["rpmbuild", "-bb"],
    ]
    assert "level 1 machine unset" in said.output


def test_after_packages_came_the_source_package_is_made_again(play: Play) -> None:
    play.set("status-bc", "11")
    first, second = play.run("source", "x86_64", "x-1-1.src.rpm"), play.run("again", "x86_64")
    assert (first.status, second.status) == (MISSING, MISSING)
    assert second.messages == ["phase rpmbuild-bs", *first.messages[2:]]
    assert not any(call.startswith("rpm -Uvh") for call in second.calls)


def test_what_is_known_is_not_looked_for(play: Play) -> None:
    known = hashlib.sha256(b"gcc >= 4\n(a or b)\n").hexdigest()
    play.set("status-bc", "11")
    missing = play.run("source", "x86_64", "x-1-1.src.rpm", known)
    assert (missing.status, missing.messages[-1]) == (MISSING, "result missing")
    there = play.run("again", "x86_64", known)
    assert there.status == BUILT
    for said in (missing, there):
        assert "phase check" not in said.messages
        assert not any(call.startswith("rpmbuild -bc") for call in said.calls)


@pytest.mark.parametrize("known", ["", "0" * 64])
def test_what_is_not_known_is_looked_for(play: Play, known: str) -> None:
    play.set("status-bc", "11")
    assert "phase check" in play.run("source", "x86_64", "x-1-1.src.rpm", known).messages
    assert play.run("again", "x86_64", known).status == MISSING


def test_two_source_packages_are_one_too_many(play: Play) -> None:
    play.set("srpms", "x-1-1.src.rpm x-1-2.src.rpm")
    said = play.run("source", "x86_64", "x-1-1.src.rpm")
    assert (said.status, said.messages[-1]) == (FAILED, "result srpm")
    assert "2 source packages were made" in said.output


def test_dynamic_requirements(play: Play) -> None:
    play.set("requires", "gcc\nrpmlib(DynamicBuildRequires) <= 4.15.0-1\n")
    assert play.run("source", "x86_64", "x-1-1.src.rpm").status == DYNAMIC
    play.set("status-br", "11")
    said = play.run("requires", "x86_64", "1")
    assert (said.status, said.messages[1:]) == (
        MISSING,
        ["source x-1-1.buildreqs.nosrc.rpm", "require gcc", "result missing"],
    )
    assert "--noprep" not in said.calls[-2]
    assert "--noprep" in play.run("requires", "x86_64", "2").calls[0]
    play.set("status-br", "1")
    assert play.run("requires", "x86_64", "3").status == FAILED


def test_the_last_build_after_dynamic_requirements_checks_them(play: Play) -> None:
    (call,) = play.run("binary", "x86_64", "ba").calls
    assert call.startswith("rpmbuild -ba --noclean --noprep --target x86_64 /")
    (call,) = play.run("binary", "x86_64", "bb").calls
    assert call.startswith("rpmbuild -bb --noclean --target x86_64 --nodeps /")


def test_another_machine_is_for_the_commands_and_not_for_their_environment(play: Play) -> None:
    said = play.run("binary", "i686", "bb", ADJUTANT_MACHINE="i686")
    assert said.calls[0].startswith("setarch i686 bash --login -c")
    assert "machine unset" in said.output


def test_a_level_that_the_tag_sets_is_kept(play: Play) -> None:
    assert "level 8" in play.run("binary", "x86_64", "bb", SHLVL="7").output


@pytest.mark.parametrize(("evaluated", "defined"), [("", True), ("(-,root,root)", False)])
def test_a_rebuilt_source_package_has_files_of_root(play: Play, evaluated: str, defined: bool) -> None:
    directory = play.directory / "scratch"
    (directory / "SPECS").mkdir(parents=True)
    (directory / "SPECS" / "x.spec").touch()
    play.set("eval", evaluated)
    said = play.run("rebuild", "noarch", "x.src.rpm", str(directory))
    assert said.status == BUILT
    (call,) = [call for call in said.calls if call.startswith("rpmbuild")]
    assert ("_srcdefattr (-,root,root)" in call) == defined
    assert "--target" not in call
