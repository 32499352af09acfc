"""What the scripts of a build say of it; rpm and rpmbuild are played by a script that keeps what it was called with."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from koji_adjutant.task_adapters.rpmbuild import AUTOSPEC, BUILT, DYNAMIC, FAILED, MISSING, TEXTS, TURN

PLAYER = """\
#!/bin/bash
printf '%s\\n' "${0##*/} $*" >>"$PLAY/calls"
[[ "${0##*/} $*" == "setarch i686 "* ]] && exec "${@:2}"
case "${0##*/} $*" in
"rpm -qp --requires "*) cat "$PLAY/requires" ;;
"rpm --eval "*) cat "$PLAY/eval" 2>/dev/null ;;
"rpmbuild -bs "*) for name in $(cat "$PLAY/srpms"); do touch "$HOME/build/SRPMS/$name"; done ;;
"rpmbuild -bc "*) [[ ! -e $PLAY/lacking ]] || cat "$PLAY/lacking" >&2 ;;
"rpmbuild -br "*) touch "$HOME/build/SRPMS/x-1-1.buildreqs.nosrc.rpm" ;;
esac
[[ ${0##*/} == rpmbuild ]] && echo "level $SHLVL machine ${ADJUTANT_MACHINE-unset}" \\
    "files $(ulimit -Sn) ${ADJUTANT_OPEN_FILES-unset}"
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

    def run(self, action: str, *arguments: str, **environment: str) -> Said:
        home, calls = self.directory / "home", self.directory / "calls"
        calls.unlink(missing_ok=True)
        path = f"{self.directory}/bin:{os.environ['PATH']}"
        (home / ".bash_profile").write_text(f'PATH="{path}"\n')
        done = subprocess.run(
            ["/bin/bash", "-c", TEXTS[action], f"{action}.sh", *arguments],
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
        "phase buildrequires", "phase rpmbuild-bb", "result built",
    ]  # fmt: skip
    assert [call.split()[:2] for call in said.calls if call.startswith("rpmbuild")] == [
        ["rpmbuild", "-bs"],
        ["rpmbuild", "-bc"],
        ["rpmbuild", "-bb"],
    ]
    assert "level 1 machine unset files 1024 unset" in said.output


def test_where_build_log_begins_is_said_once_among_the_output(play: Play) -> None:
    said = play.run("source", "x86_64", "x-1-1.src.rpm").output
    unpacking, built = said.split(TURN.decode())
    assert "$ rpm -Uvh" in unpacking
    assert "rpmbuild" not in unpacking
    assert "$ rpmbuild -bs" in built
    assert "$ rpmbuild -bb" in built


def test_as_many_files_may_be_open_as_the_site_says(play: Play) -> None:
    assert "files 768 unset" in play.run("binary", "x86_64", "bb", ADJUTANT_OPEN_FILES="768").output


def test_after_packages_came_the_source_package_is_made_again(play: Play) -> None:
    play.set("status-bc", "11")
    first, second = play.run("source", "x86_64", "x-1-1.src.rpm"), play.run("again", "x86_64")
    assert (first.status, second.status) == (MISSING, MISSING)
    assert second.messages == ["phase rpmbuild-bs", *first.messages[2:]]
    assert not any(call.startswith("rpm -Uvh") for call in second.calls)


KNOWN = hashlib.sha256(b"gcc >= 4\n(a or b)\n").hexdigest()
LACKING = """\
error: Failed build dependencies:
\tgcc >= 4 is needed by x-1-1.x86_64
\t(a or b) is needed by x-1-1.x86_64
\trpmlib(Sorcery) <= 1 is needed by x-1-1.x86_64
\tevil conflicts with x-1-1.x86_64
"""


def test_what_is_known_to_be_missing_is_not_looked_for(play: Play) -> None:
    missing = play.run("source", "x86_64", "x-1-1.src.rpm", KNOWN)
    assert (missing.status, missing.messages[-1]) == (MISSING, "result missing")
    assert "phase buildrequires" not in missing.messages
    assert not any(call.startswith("rpmbuild -bc") for call in missing.calls)


@pytest.mark.parametrize("action", [("again", "x86_64", KNOWN), ("binary", "x86_64", "bb")])
def test_what_rpmbuild_does_not_find_after_everything_was_installed_is_named(
    play: Play, action: tuple[str, ...]
) -> None:
    play.set("status-bc", "11")
    play.set("lacking", LACKING)
    said = play.run(*action)
    assert said.status == FAILED
    assert said.messages[-3:] == ["lacking gcc >= 4", "lacking (a or b)", "result buildrequires 11"]
    assert LACKING in said.output
    assert not any(call.startswith("rpmbuild -bb") for call in said.calls)


@pytest.mark.parametrize("action", [("again", "x86_64", KNOWN), ("binary", "x86_64", "bb")])
def test_a_build_goes_on_where_mocks_does(play: Play, action: tuple[str, ...]) -> None:
    play.set("status-bc", "11")
    play.set("lacking", "".join(LACKING.splitlines(keepends=True)[3:]))
    said = play.run(*action)
    assert said.status == BUILT
    assert said.messages[-2:] == ["phase rpmbuild-bb", "result built"]
    assert "evil conflicts with" in said.output


def test_source_packages_of_earlier_rounds_are_removed(play: Play) -> None:
    left = play.directory / "home" / "build" / "SRPMS" / "x-1-0.src.rpm"
    for action in (("source", "x86_64", "x-1-1.src.rpm"), ("again", "x86_64"), ("binary", "x86_64", "ba")):
        left.touch()
        assert play.run(*action).status == BUILT
        assert not left.exists()


@pytest.mark.parametrize("known", ["", "0" * 64])
def test_what_is_not_known_is_looked_for(play: Play, known: str) -> None:
    play.set("status-bc", "11")
    assert "phase buildrequires" in play.run("source", "x86_64", "x-1-1.src.rpm", known).messages
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
    _, call = play.run("binary", "x86_64", "bb").calls
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


@pytest.mark.parametrize(("code", "last"), [("0", "result built"), ("3", "result rpmautospec 3")])
def test_history_is_worked_in_where_the_checkout_is(play: Play, code: str, last: str) -> None:
    sources = play.directory / "home" / "build" / "SOURCES"
    sources.mkdir()
    program = play.directory / "work it in"
    program.write_text(f'#!/bin/bash\necho "in $PWD: $*"\nexit {code}\n')
    program.chmod(0o755)
    said = play.run("autospec", "noarch", "x.spec", str(program), "one word")
    assert said.status == (BUILT if code == "0" else FAILED)
    assert said.messages == ["phase rpmautospec", last]
    assert f"in {sources}: one word {sources}/x.spec {sources.parent}/SPECS/x.spec" in said.output


USING = b"Name: x\nRelease: %autorelease\n"


@pytest.mark.parametrize(
    ("files", "history", "is_wanted"),
    [
        ({"x.spec": USING, ".git/HEAD": b""}, "yes", True),
        ({"x.spec": b"%autochangelog\0\xff", ".git/HEAD": b""}, "yes", True),
        # What looks like it is looked into elsewhere.
        ({"x.spec": b"# autorelease", ".git/HEAD": b""}, "yes", True),
        ({"x.spec": USING, ".git/HEAD": b""}, "no", False),
        ({"x.spec": b"Release: 1", ".git/HEAD": b""}, "yes", False),
        ({"x.spec": USING}, "yes", False),
        # The file that a worktree or a submodule has.
        ({"x.spec": USING, ".git": b"gitdir: elsewhere"}, "yes", False),
        ({"SPECS/x.spec": USING, "SOURCES/text": b"", ".git/HEAD": b""}, "yes", False),
        ({"SPECS/x.spec": USING, "SOURCES/x.spec": USING, "SOURCES/.git/HEAD": b""}, "yes", True),
        ({"SPECS/x.spec": USING, "SOURCES/x.spec": b"other", "SOURCES/.git/HEAD": b""}, "yes", False),
        ({"SPECS/x.spec": USING, ".git/HEAD": b""}, "yes", False),
    ],
)
def test_history_is_looked_at_where_mock_does(
    play: Play, files: Mapping[str, bytes], history: str, is_wanted: bool
) -> None:
    directory = play.directory / "checkout"
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    spec = next(name for name in files if name in {"x.spec", "SPECS/x.spec"})
    said = play.run("srpm", "noarch", str(directory), spec, "yes", history)
    assert (said.status, said.messages[-1]) == (
        (AUTOSPEC, "result autospec") if is_wanted else (BUILT, "result built")
    )
    assert bool([call for call in said.calls if call.startswith("rpmbuild -bs")]) is not is_wanted
