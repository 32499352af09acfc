"""What the checkout script makes of a repository, with the real git: on this host, where it is the same script."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from koji.daemon import SCM

from koji_adjutant.errors import BuildFailed
from koji_adjutant.policy.scm_address import ScmAddress
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.sources.checkout import SCRIPT, CheckedOut
from koji_adjutant.task_adapters.sources.host_checkout import HostCheckoutAdapter
from tests.fakes.containers import FakeContainerManager
from tests.scm.svn_repository import svn_repository
from tests.unit.task_adapters.conftest import Log
from tests.unit.task_adapters.sources.repositories import commit, git, new_repository

CheckOut = Callable[..., CheckedOut]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is git://h/ to git."""
    directory = tmp_path / "server"
    directory.mkdir()
    config = tmp_path / "gitconfig"
    git(tmp_path, "config", "--file", str(config), f"url.file://{directory}/.insteadOf", "git://h/")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return directory


@pytest.fixture
def hello(server: Path) -> Path:
    """A repository with a branch, a tag, a merge request and a module."""
    repository = new_repository(server / "hello")
    git(repository, "branch", "f40", "HEAD~1")
    git(repository, "tag", "v1", "-m", "v1", "HEAD~1")
    git(repository, "update-ref", "refs/merge-requests/7/head", "HEAD~1")
    (repository / "sub" / "dir").mkdir(parents=True)
    commit(repository, "sub/dir/sub.spec", "Name: sub\n")
    return repository


@pytest.fixture
def check_out(ctx: TaskContext, log: Log) -> CheckOut:
    def check_out(url: str, *, use_common: bool = False) -> CheckedOut:
        address = ScmAddress.of(SCM(url))
        adapter = HostCheckoutAdapter(address=address, use_common=use_common)
        adapter.run(ctx, FakeContainerManager(), log)
        assert adapter.result
        return adapter.result

    return check_out


@pytest.mark.parametrize(
    "revision", ["f40", "origin/f40", "v1", "refs/merge-requests/7/head", "refs/tags/v1"]
)
def test_any_name_of_a_commit(hello: Path, check_out: CheckOut, revision: str) -> None:
    found = check_out(f"git://h/hello#{revision}")
    assert found.commit == git(hello, "rev-parse", "HEAD~2")
    assert (found.directory / "hello.spec").read_text() == "Name: hello\n"
    assert found.directory == found.top == found.tree / "hello"


@pytest.mark.parametrize("length", [40, 10])
def test_the_id_of_a_commit(hello: Path, check_out: CheckOut, length: int) -> None:
    commit_id = git(hello, "rev-parse", "HEAD~1")
    assert check_out(f"git://h/hello#{commit_id[:length]}").commit == commit_id


def test_all_of_the_history_and_of_the_branches_is_there(hello: Path, check_out: CheckOut) -> None:
    found = check_out("git://h/hello#main")
    assert git(found.top, "rev-list", "--count", "HEAD") == "3"
    assert {"origin/f40", "origin/main"} <= set(
        git(found.top, "branch", "-r", "--format=%(refname:short)").split()
    )


def test_a_module_is_a_directory(hello: Path, check_out: CheckOut) -> None:
    assert (check_out("git://h/hello?sub/dir#main").directory / "sub.spec").is_file()


def test_common_lies_beside_the_module(server: Path, hello: Path, check_out: CheckOut) -> None:
    new_repository(server / "common")
    found = check_out("git://h/hello?sub/dir#main", use_common=True)
    assert (found.directory.parent / "common").is_symlink()
    assert (found.directory / ".." / "common" / "hello.spec").is_file()
    assert (found.tree / "common" / ".git").is_dir()


def test_common_that_is_missing_fails_the_task(hello: Path, check_out: CheckOut) -> None:
    with pytest.raises(
        BuildFailed, match=r'^Error running GIT command "git clone git://h/common common", see checkout\.log'
    ):
        check_out("git://h/hello#main", use_common=True)


def test_a_repository_that_is_missing(server: Path, check_out: CheckOut, log: Log) -> None:
    with pytest.raises(BuildFailed, match=r'^Error running GIT command "git clone -n git://h/none '):
        check_out("git://h/none#main")
    assert b"$ git clone -n git://h/none" in log.data
    assert b"and the repository exists" in log.data


def test_a_revision_that_is_missing(hello: Path, check_out: CheckOut) -> None:
    with pytest.raises(BuildFailed, match=r'^Error running GIT command "git reset --hard nowhere", see'):
        check_out("git://h/hello#nowhere")


def test_an_empty_repository(server: Path, check_out: CheckOut) -> None:
    git(server, "init", "--quiet", "empty")
    with pytest.raises(BuildFailed, match=r'^Error running GIT command "git reset --hard main", see'):
        check_out("git://h/empty#main")


@pytest.mark.parametrize("has_password", [True, False])
def test_a_password_is_for_no_server_of_externals(tmp_path: Path, has_password: bool) -> None:
    ours, theirs = svn_repository(tmp_path / "ours"), svn_repository(tmp_path / "theirs")
    ours.add("hello", {"hello.spec": "Name: hello\n"})
    theirs.add("more", {"file": "content"})
    external = f"file://{theirs.path}/more more"
    url = f"file://{ours.path}/hello"
    subprocess.run(["svnmucc", "propset", "svn:externals", external, url, "-m", "x"], check=True)
    files = tmp_path / "files"
    files.mkdir()
    (files / "password").write_text("secret")
    own = {"SCM_FILES": str(files), **({"SCM_SVN_USER": "me"} if has_password else {})}
    top = tmp_path / "top"
    argv = ["bash", str(SCRIPT), str(top), "svn", f"file://{ours.path}", "", "hello", "HEAD", "HEAD"]
    done = subprocess.run(
        argv, env={**os.environ, "HOME": str(tmp_path / "home"), **own}, capture_output=True, check=False
    )
    if has_password:
        assert (done.returncode, done.stdout) == (1, b"failed externals\n"), done.stderr
        assert not (top / "hello/more").exists()
    else:
        assert done.returncode == 0, done.stderr
        assert (top / "hello/more/file").read_text() == "content"


def test_names_that_are_no_words(server: Path, check_out: CheckOut) -> None:
    new_repository(server / "a b&c")
    commit(server / "a b&c", "new\nline $(x).spec", "")
    found = check_out("git://h/a b&c#main")
    assert json.dumps(sorted(path.name for path in found.top.glob("*.spec"))) == json.dumps(
        ["hello.spec", "new\nline $(x).spec"]
    )
