"""Checking sources out on this host: the same result, the same refusals, and a password that nobody else sees."""

import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from koji.daemon import SCM

from koji_adjutant.errors import BuildFailed, TaskCanceled, TaskTimeout, UnpackRefused
from koji_adjutant.policy.scm_address import ScmAddress
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.sources.host_checkout import HostCheckoutAdapter
from tests.fakes.containers import FakeContainerManager
from tests.scm.git_repository import GitRepository, Link, git_repository
from tests.scm.http import WebServer, web_server
from tests.unit.task_adapters.conftest import Log
from tests.waiting import eventually


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    (tmp_path / "served/git").mkdir(parents=True)
    with web_server(tmp_path / "served", "127.0.0.1") as server:
        yield server


@pytest.fixture
def hello(web: WebServer) -> GitRepository:
    return git_repository(web.root / "git/hello.git")


@pytest.fixture
def here(ctx: TaskContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskContext:
    """On a host whose user has nothing of its own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return dataclasses.replace(ctx, config=dataclasses.replace(ctx.config, scm_on_host=True))


def adapter(url: str, *, use_common: bool = False) -> HostCheckoutAdapter:
    return HostCheckoutAdapter(address=ScmAddress.of(SCM(url, allow_password=True)), use_common=use_common)


def check_out(here: TaskContext, log: Log, url: str, *, use_common: bool = False) -> HostCheckoutAdapter:
    made = adapter(url, use_common=use_common)
    assert made.run(here, FakeContainerManager(), log) == 0
    return made


class Watch:
    """What every process of this machine can see of all others, looked at all the time."""

    def __init__(self, secret: bytes) -> None:
        self.found: set[str] = set()
        self.looks = 0
        self._secret = secret
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    @contextmanager
    def watching(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._end.set()
            self._thread.join()

    def _watch(self) -> None:
        while not self._end.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with suppress(OSError):
                        if self._secret in (process / name).read_bytes():
                            self.found.add(name)
            self.looks += 1


def test_a_commit_is_checked_out_with_its_history(
    here: TaskContext, log: Log, web: WebServer, hello: GitRepository
) -> None:
    first = hello.commit({"hello.spec": "one"})
    second = hello.commit({"hello.spec": "two", "SOURCES/x": "x"}, parent=first)
    made = check_out(here, log, f"git+{web.url}/git/hello.git#main")
    assert made.result is not None
    assert made.result.commit == second
    assert (made.result.directory / "hello.spec").read_text() == "two"
    assert (made.result.directory / ".git").is_dir()
    assert f"git clone -n {web.url}/git/hello.git {here.workdir}/on_host/scmroot/hello".encode() in log.data
    assert not (here.workdir / "on_host").exists()
    assert not web.paths(web.login)


def test_common_lies_beside(here: TaskContext, log: Log, web: WebServer, hello: GitRepository) -> None:
    hello.commit({"hello.spec": "one"})
    git_repository(web.root / "git/common.git").commit({"Makefile.common": "all:"})
    made = check_out(here, log, f"git+{web.url}/git/hello.git#main", use_common=True)
    assert made.result is not None
    assert (made.result.directory / "../common/Makefile.common").read_text() == "all:"


def test_a_tree_is_unpacked_as_from_a_container(
    here: TaskContext, log: Log, web: WebServer, hello: GitRepository
) -> None:
    hello.commit({"hello.spec": "one", "link": Link("/etc/passwd"), **{f"f{n}": "x" for n in range(50)}})
    few = dataclasses.replace(here, config=dataclasses.replace(here.config, scm_tree_files=20))
    with pytest.raises(UnpackRefused):
        check_out(few, log, f"git+{web.url}/git/hello.git#main")


def test_a_password_is_seen_by_nobody(
    here: TaskContext, log: Log, web: WebServer, hello: GitRepository, caplog: pytest.LogCaptureFixture
) -> None:
    hello.commit({"hello.spec": "one"})
    watch = Watch(web.password.encode())
    with watch.watching():
        made = check_out(here, log, f"git+http://{web.login}@{web.address}/private/hello.git#main")
        with pytest.raises(BuildFailed) as failed:
            check_out(
                dataclasses.replace(here, workdir=here.workdir / "checkout"),
                log,
                f"git+http://{web.login}@{web.address}/private/none.git#main",
            )
    assert web.paths(web.login), "it was used"
    assert watch.looks > 3
    assert watch.found == set()
    texts = (log.data.decode(), str(failed.value), caplog.text, repr(made))
    assert [text for text in texts if web.password in text] == []
    assert web.password not in (here.workdir / "checkout/scmroot/hello/.git/config").read_text()


def test_a_login_that_is_missing_is_said(here: TaskContext, log: Log, web: WebServer) -> None:
    with pytest.raises(BuildFailed) as failed:
        check_out(here, log, f"git+{web.url}/private/hello.git#main")
    assert str(failed.value).startswith(
        f'Error running GIT command "git clone -n {web.url}/private/hello.git '
    )
    assert f"{web.address} wants a login that this builder does not have" in failed.value.hint


def test_a_netrc_of_the_users_is_read(
    here: TaskContext, log: Log, web: WebServer, hello: GitRepository, tmp_path: Path
) -> None:
    hello.commit({"hello.spec": "one"})
    user, _, password = web.login.partition(":")
    (tmp_path / "home/.netrc").write_text(f"machine 127.0.0.1 login {user} password {password}\n")
    assert check_out(here, log, f"git+{web.url}/private/hello.git#main").result


def test_a_server_that_never_answers(here: TaskContext, log: Log, web: WebServer) -> None:
    impatient = dataclasses.replace(here, config=dataclasses.replace(here.config, scm_timeout=1.0))
    with pytest.raises(TaskTimeout, match="did not end in 1 seconds") as late:
        check_out(impatient, log, f"git+{web.url}/hang/hello.git#main")
    assert web.address in str(late.value)
    assert not (here.workdir / "on_host").exists()


def test_a_checkout_that_nobody_waits_for_ends(here: TaskContext, log: Log, web: WebServer) -> None:
    made = adapter(f"git+{web.url}/hang/hello.git#main")
    with ThreadPoolExecutor() as threads:
        begun = threads.submit(made.run, here, FakeContainerManager(), log)
        eventually(lambda: bool(web.asked), "the server is asked")
        made.end(here, FakeContainerManager(), lambda seconds: bool(wait((begun,), seconds).done))
        with pytest.raises(TaskCanceled):
            begun.result()
    assert not (here.workdir / "on_host").exists()
