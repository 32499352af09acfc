"""A testbed with servers of sources on its engine's gateway, and what its builder makes of what they serve."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import koji
import pytest

from koji_adjutant.testbed.content import BUILD_TAG
from koji_adjutant.testbed.tasks import Task
from tests.integration.packages import file_of
from tests.integration.running import Testbed
from tests.scm.daemons import SshServer
from tests.scm.git_repository import GitRepository, git_repository
from tests.scm.http import WebServer
from tests.scm.svn_repository import SvnRepository, svn_repository

METHOD = "buildSRPMFromSCM"
TASK_SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class Srpm:
    """A source package that a task has made."""

    task: Task
    result: Mapping[str, Any]
    path: Path
    logs: Path

    @property
    def source(self) -> str:
        """What the hub was told of where it comes from."""
        return str(self.result["source"]["source"])

    @property
    def commit(self) -> str:
        return self.source.partition("#")[2]

    @property
    def summary(self) -> str:
        return self.header("%{SUMMARY}")

    @property
    def files(self) -> frozenset[str]:
        return frozenset(self.header("[%{FILENAMES}\n]").splitlines())

    def header(self, form: str) -> str:
        """What this machine's rpm reads in it."""
        query = ["rpm", "-qp", "--nosignature", "--queryformat", form, str(self.path)]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout

    def content(self, name: str) -> bytes:
        """A file of it."""
        return file_of(self.path, name)

    def log(self, name: str) -> str:
        return (self.logs / name).read_text(errors="replace")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """How a task has failed."""

    task: Task
    error: Exception
    logs: Path

    @property
    def text(self) -> str:
        return str(self.error)

    def log(self, name: str = "checkout.log") -> str:
        """One of its logs; empty when it has none."""
        path = self.logs / name
        return path.read_text(errors="replace") if path.exists() else ""


@dataclass(frozen=True, kw_only=True)
class Site:
    """The testbed and its servers. Paths of repositories are the same on all of them, and below `root`."""

    testbed: Testbed
    root: Path
    web: WebServer
    tls: WebServer
    elsewhere: WebServer
    """Another server, to which nobody is sent by the URL of a task."""
    ssh: SshServer
    svn: str
    git: str

    def git_repository(self, path: str) -> GitRepository:
        """A new repository, the path of which begins with git/."""
        return git_repository(self.root / path)

    def svn_repository(self, path: str) -> SvnRepository:
        """A new repository, the path of which begins with svn/."""
        return svn_repository(self.root / path)

    def url(self, path: str, revision: str, *, module: str = "") -> str:
        """By http."""
        return url_of(f"git+http://{self.web.address}", path, revision, module=module)

    def submit(self, url: str, *, tag: str = BUILD_TAG, **options: Any) -> int:
        """The task of `url`, as a build makes one."""
        admin = self.testbed.session
        repo = admin.getRepo(tag)["id"]
        return int(admin.makeTask(METHOD, [url, tag, {"repo_id": repo, **options}]))

    def made(self, url: str, *, tag: str = BUILD_TAG, **options: Any) -> Srpm:
        """What the task of `url` makes."""
        return self.made_by(self.submit(url, tag=tag, **options))

    def made_by(self, number: int) -> Srpm:
        task = self.testbed.wait_task(number, timeout=TASK_SECONDS)
        assert task.state == "CLOSED", f"{self.testbed.fault(number)}\n{self._checkout_log(task)}"
        result = self.testbed.session.getTaskResult(number)
        self._assert_expired(task)
        path = self.testbed.topdir / "work" / result["srpm"]
        return Srpm(task=task, result=result, path=path, logs=self.testbed.output(task))

    def failure(
        self, url: str, kind: type[Exception] = koji.BuildError, *, tag: str = BUILD_TAG, **options: Any
    ) -> Failure:
        """How the task of `url` fails."""
        return self.failure_of(self.submit(url, tag=tag, **options), kind)

    def failure_of(self, number: int, kind: type[Exception] = koji.BuildError) -> Failure:
        task = self.testbed.wait_task(number, timeout=TASK_SECONDS)
        assert task.state == "FAILED", task
        self._assert_expired(task)
        with pytest.raises(koji.GenericError) as raised:
            self.testbed.session.getTaskResult(number)
        assert type(raised.value) is kind, raised.value
        return Failure(task=task, error=raised.value, logs=self.testbed.output(task))

    def _assert_expired(self, task: Task) -> None:
        for buildroot in self.testbed.session.listBuildroots(taskID=task.id):
            assert buildroot["state"] == koji.BR_STATES["EXPIRED"]

    def _checkout_log(self, task: Task) -> str:
        log = self.testbed.output(task) / "checkout.log"
        return log.read_text(errors="replace") if log.exists() else ""


def url_of(start: str, path: str, revision: str, *, module: str = "") -> str:
    """An SCM URL."""
    query = f"?{module}" if module else ""
    return f"{start}/{path}{query}#{revision}"
