"""A checkout that is too large, or that leads out of itself, is stopped and named, with the option that says so."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from koji.daemon import SCM

from koji_adjutant.errors import BuildFailed
from koji_adjutant.policy.scm_address import ScmAddress
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.sources.host_checkout import HostCheckoutAdapter
from tests.fakes.containers import FakeContainerManager
from tests.unit.task_adapters.conftest import Log
from tests.unit.task_adapters.sources.repositories import git, new_repository

HINT = "scm_tree_size and scm_tree_files on the builder are the limits"


def check_out(ctx: TaskContext, log: Log, url: str, **limits: int) -> HostCheckoutAdapter:
    own = replace(ctx, config=replace(ctx.config, **limits))  # type: ignore[arg-type]
    adapter = HostCheckoutAdapter(address=ScmAddress.of(SCM(url)), use_common=False)
    adapter.run(own, FakeContainerManager(), log)
    return adapter


@pytest.fixture
def git_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It clones, and writes a file after the other when it is to check out."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/bash\n"
        'case $1 in clone) mkdir -p "${@: -1}/.git" ;; fetch) exit 1 ;;\n'
        "    reset) for number in {1..300}; do head -c 100000 /dev/zero >$number; done; exec sleep 1000 ;;\n"
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.usefixtures("git_that_never_ends")
@pytest.mark.parametrize("limits", [{"scm_tree_size": 10_000_000}, {"scm_tree_files": 200}])
def test_what_fills_the_disk_is_stopped(ctx: TaskContext, log: Log, limits: dict[str, int]) -> None:
    with pytest.raises(BuildFailed) as caught:
        check_out(ctx, log, "git://h/hello#main", **limits)
    assert str(caught.value) == f"the checkout from h is larger than one may be; {HINT}"


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = tmp_path / "gitconfig"
    git(tmp_path, "config", "--file", str(config), f"url.file://{tmp_path}/.insteadOf", "git://h/")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    return new_repository(tmp_path / "hello")


@pytest.mark.usefixtures("hello")
def test_what_comes_out_is_counted_again(ctx: TaskContext, log: Log) -> None:
    with pytest.raises(BuildFailed, match=f"refused to unpack .*: there are more than 3 files; {HINT}"):
        check_out(ctx, log, "git://h/hello#main", scm_tree_files=3)


def test_a_module_that_leads_out(ctx: TaskContext, log: Log, hello: Path) -> None:
    (hello / "out").symlink_to("/etc")
    (hello / "within").symlink_to(".")
    git(hello, "add", ".")
    git(hello, "commit", "--quiet", "--message", "links")
    with pytest.raises(
        BuildFailed, match="'scmroot/hello/out' of the checkout is a link that leads out of it"
    ):
        check_out(ctx, log, "git://h/hello?out#main")
