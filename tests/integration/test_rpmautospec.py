"""Releases and changelogs from a history: what rpmautospec itself makes of a clone on this machine is the judge."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.testbed.content import BUILD_TAG
from koji_adjutant.testbed.tasks import Task
from tests.integration.configured import configured
from tests.integration.packages import file_of
from tests.integration.running import Testbed
from tests.scm.git_repository import Content, GitRepository, git_repository
from tests.scm.http import web_server
from tests.scm.packages import below

pytestmark = pytest.mark.podman

SPEC = """\
Name: history
Version: {version}
Release: %autorelease
Summary: A package with a history
License: MIT
BuildArch: noarch
{lines}
%description
{text}

%files

%changelog
%autochangelog
"""
ENABLED = "config_opts['plugin_conf']['rpmautospec_enable'] = True\n"
OPTS = "config_opts['plugin_conf']['rpmautospec_opts']"


def spec(text: str, *, version: str = "1.0", lines: str = "") -> str:
    return SPEC.format(text=text, version=version, lines=lines)


@dataclass(frozen=True, kw_only=True)
class Srpm:
    """A source package that a task has made."""

    task: Task
    result: Mapping[str, Any]
    path: Path

    def header(self, form: str) -> str:
        query = ["rpm", "-qp", "--nosignature", "--queryformat", form, str(self.path)]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout

    @property
    def spec(self) -> bytes:
        return file_of(self.path, "history.spec")


@dataclass(frozen=True, kw_only=True)
class History:
    """git/history.git behind a server that containers see, and the tasks of its references."""

    testbed: Testbed
    repository: GitRepository
    url: str

    def submit(self, ref: str, *, module: str = "") -> int:
        query = f"?{module}" if module else ""
        options = {"repo_id": self.testbed.session.getRepo(BUILD_TAG)["id"]}
        request = [f"{self.url}{query}#{ref}", BUILD_TAG, options]
        return int(self.testbed.session.makeTask("buildSRPMFromSCM", request))

    def made(self, number: int) -> Srpm:
        task = self.testbed.wait_task(number)
        assert task.state == "CLOSED", self.testbed.fault(number)
        result = self.testbed.session.getTaskResult(number)
        return Srpm(task=task, result=result, path=self.testbed.topdir / "work" / result["srpm"])

    def failure(self, number: int) -> str:
        assert self.testbed.wait_task(number).state == "FAILED"
        return self.testbed.fault(number)

    def log(self, number: int, name: str) -> str:
        return (self.testbed.output(self.testbed.wait_task(number)) / name).read_text()


@pytest.fixture(scope="module")
def history(testbed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Two versions, the second with three commits, of which one has nothing to say."""
    root = tmp_path_factory.mktemp("served")
    repository, parent = git_repository(root / "git" / "history.git"), ""

    def commit(files: Mapping[str, Content], message: str = "A change", ref: str = "main") -> str:
        return repository.commit(files, ref=f"refs/heads/{ref}", message=message, parent=parent)

    for text, version, message in (
        ("One.", "1.0", "Begin"),
        ("One, more.", "1.0", "Say more\n\n- in two\n- lines"),
        ("Two.", "2.0", "Update to 2.0"),
        ("Two, more.", "2.0", "Not worth a line\n\n[skip changelog]"),
        ("Two, and more.", "2.0", "Say even more: 100 % of it"),
    ):
        parent = commit({"history.spec": spec(text, version=version)}, message)
    commit({"SPECS/history.spec": spec("In directories."), "SOURCES/text": ""}, ref="layout")
    commit(below("module", {"history.spec": spec("In a module.")}), ref="module")
    commit({"history.spec": spec("Broken.", lines="%{error:broken}")}, ref="broken")
    commit(
        {"history.spec": spec("Plain.").replace("%autorelease", "1").replace("%autochangelog", "")},
        ref="plain",
    )
    with web_server(root, testbed.engine.gateway) as server:
        yield History(testbed=testbed, repository=repository, url=f"git+{server.url}/git/history.git")


@pytest.fixture(scope="module")
def enabled(history: History, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """The builder as Fedora's and CentOS' are."""
    file = tmp_path_factory.mktemp("mock") / "site-defaults.cfg"
    file.write_text(ENABLED)
    with configured(history.testbed, mock_site_defaults=str(file)):
        yield history


def judged(repository: GitRepository, directory: Path) -> bytes:
    """The spec file that rpmautospec of this machine makes of a clone."""
    clone, out = directory / "clone", directory / "out.spec"
    subprocess.run(["git", "clone", "--quiet", repository.path, clone], check=True)
    program = Path(sys.executable).with_name("rpmautospec")
    subprocess.run([program, "process-distgit", clone / "history.spec", out], check=True, capture_output=True)
    return out.read_bytes()


def test_release_and_changelog_are_what_rpmautospec_says(enabled: History, tmp_path: Path) -> None:
    srpm = enabled.made(enabled.submit("main"))
    assert srpm.spec == judged(enabled.repository, tmp_path)
    assert srpm.path.name == "history-2.0-3.md1.src.rpm"
    assert srpm.header("[%{CHANGELOGNAME}|%{CHANGELOGTEXT}\n]").splitlines() == [
        "A. Packager <packager@example.org> - 2.0-3|- Say even more: 100 % of it",
        "A. Packager <packager@example.org> - 2.0-1|- Update to 2.0",
        "A. Packager <packager@example.org> - 1.0-2|- Say more",
        "- in two",
        "- lines",
        "A. Packager <packager@example.org> - 1.0-1|- Begin",
    ]
    # The hub hears of the base set alone, as from kojid.
    listed = enabled.testbed.session.listRPMs(componentBuildrootID=srpm.result["brootid"])
    names = {package["name"] for package in listed}
    assert "rpm-build" in names
    assert "rpmautospec" not in names


def test_a_build_has_the_release_too(enabled: History) -> None:
    build = enabled.testbed.build(f"{enabled.url}#main", "--scratch")
    assert build.returncode == 0, build.output
    made = enabled.testbed.output(build.task("buildArch"))
    assert [path.name for path in made.glob("*.noarch.rpm")] == ["history-2.0-3.md1.noarch.rpm"]


def test_where_sources_have_no_history_none_is_used(enabled: History) -> None:
    tasks = [enabled.submit("layout"), enabled.submit("module", module="module"), enabled.submit("plain")]
    for srpm in map(enabled.made, tasks):
        assert b"rpmautospec" not in srpm.spec
        assert srpm.header("%{RELEASE}").partition(".")[0] == "1"
        assert "rpmautospec" not in enabled.log(srpm.task.id, "state.log")


def test_what_rpmautospec_does_not_understand_fails_the_task(enabled: History) -> None:
    number = enabled.submit("broken")
    assert enabled.failure(number) == (
        "error building srpm, build exited with status 1; see build.log for more information; rpmautospec 1"
    )
    assert "parse spec file history.spec" in enabled.log(number, "build.log")


def test_without_it_a_release_is_wrong_and_nothing_says_so(history: History) -> None:
    with configured(history.testbed, rpmautospec="no"):
        srpm = history.made(history.submit("main"))
    assert b"rpmautospec" not in srpm.spec
    assert srpm.path.name == "history-2.0-1.md1.src.rpm"
    assert srpm.header("[%{CHANGELOGTEXT}\n]") == ""


def test_a_package_of_it_that_is_not_there_fails_the_task(history: History, tmp_path: Path) -> None:
    file = tmp_path / "site-defaults.cfg"
    file.write_text(f"{OPTS}['requires'] = ['no-such-package']\n")
    with configured(history.testbed, mock_site_defaults=str(file), rpmautospec="yes"):
        failure = history.failure(history.submit("main"))
    said = "error building srpm, build exited with status 30; see root.log for more information; "
    assert failure.startswith(f"{said}no-such-package cannot be installed: ")
