"""The merge with external repos: its container, its command for each version, and what comes out."""

import dataclasses
import gzip
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.errors import TaskFailed
from koji_adjutant.hub.files import may_be_answered_later
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.createrepo import CreaterepoAdapter
from koji_adjutant.task_adapters.repodata.mergerepo import MergerepoAdapter, local_directory
from koji_adjutant.task_adapters.repodata.repo_plan import (
    RepoPlan,
    mergerepo_argv,
    parse_version,
)
from koji_adjutant.task_adapters.repodata.verify import package_count, verify_repodata
from koji_adjutant.task_adapters.topdir import topdir_mounts
from tests.unit.task_adapters.conftest import Log
from tests.unit.task_adapters.host_engine import HostEngine
from tests.unit.task_adapters.repos import lay_out_repo

NEW = (1, 0, 0)


@pytest.fixture
def plan(ctx: TaskContext, topdir: Path) -> RepoPlan:
    lay_out_repo(topdir, "dist-build", 4, [topdir / "packages" / "one.rpm"])
    return RepoPlan(
        repo_id=4,
        tag_name="dist-build",
        arch="x86_64",
        topdir=str(topdir),
        workdir=ctx.workdir,
        has_comps=True,
    )


@pytest.fixture
def external(tmp_path: Path, packages: dict[str, bytes]) -> Path:
    """An external repo with packages one and three."""
    directory = tmp_path / "external"
    directory.mkdir()
    for name in ("one", "three"):
        (directory / f"{name}.rpm").write_bytes(packages[name])
    subprocess.run(["createrepo_c", "--quiet", directory], check=True)
    return directory


def adapter(plan: RepoPlan, *urls: str, mode: str = "koji") -> MergerepoAdapter:
    return MergerepoAdapter(plan=plan, image="tools:1", mode=mode, urls=urls, version=NEW)


def merge(ctx: TaskContext, plan: RepoPlan, log: Log, *urls: str) -> MergerepoAdapter:
    engine: Any = HostEngine()
    local = CreaterepoAdapter(plan=plan, image="tools:1", topdir=topdir_mounts(ctx.config))
    local.run(ctx, engine, log)
    merged = adapter(plan, *urls)
    assert merged.run(ctx, engine, log) == 0
    return merged


def test_repos_are_merged(ctx: TaskContext, plan: RepoPlan, external: Path, log: Log) -> None:
    merged = merge(ctx, plan, log, f"file://{external}/")
    assert "repomd.xml" in merged.result
    records = verify_repodata(plan.datadir)
    assert package_count(records) == 2
    origins = next(record.path for record in records if record.kind == "origin")
    assert dict(line.split("\t") for line in gzip.decompress(origins.read_bytes()).decode().splitlines()) == {
        "one-1-1.noarch": f"file://{ctx.workdir}/repo_4_premerge/",
        "three-1-1.noarch": f"file://{external}/",
    }


def test_only_the_local_repo_is_left(ctx: TaskContext, plan: RepoPlan, log: Log) -> None:
    merge(ctx, plan, log)
    assert package_count(verify_repodata(plan.datadir)) == 1


def test_directories_need_no_network(ctx: TaskContext, plan: RepoPlan, topdir: Path) -> None:
    spec = adapter(plan, "file:///srv/a%20b/").build_spec(ctx, {})
    assert spec.network == "none"
    read = [mount.target for mount in spec.mounts if mount.read_only]
    assert read == [str(plan.toprepodir), "/srv/a b"]
    assert str(topdir) not in read


def test_network_and_proxy_for_http(
    ctx: TaskContext, plan: RepoPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    config = dataclasses.replace(ctx.config, solver_network="builders")
    ctx = dataclasses.replace(ctx, config=config)
    spec = adapter(plan, "http://repo.example.com/").build_spec(ctx, {})
    assert spec.network == "builders"
    assert spec.environment["http_proxy"] == "http://proxy.example.com:3128"
    assert spec.capabilities == frozenset()
    assert "http_proxy" not in adapter(plan, "/srv/repo").build_spec(ctx, {}).environment


def test_no_network_to_be_had(ctx: TaskContext, plan: RepoPlan) -> None:
    ctx = dataclasses.replace(ctx, config=dataclasses.replace(ctx.config, network_enabled=False))
    with pytest.raises(TaskFailed, match="network_enabled is off"):
        adapter(plan, "https://repo.example.com/").build_spec(ctx, {})


def test_missing_directory_is_named(ctx: TaskContext, plan: RepoPlan, log: Log) -> None:
    with pytest.raises(TaskFailed, match="external repo file:///nowhere/at/all is not on this builder"):
        merge(ctx, plan, log, "file:///nowhere/at/all")


def test_unusable_external_repo_fails(ctx: TaskContext, plan: RepoPlan, tmp_path: Path, log: Log) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskFailed, match=r"failed to merge repos: .*; see mergerepos\.log"):
        merge(ctx, plan, log, f"file://{tmp_path}/empty/")


class Quiet(SimpleHTTPRequestHandler):
    """Without a line for each request."""

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def serving(directory: Path, port: int) -> Iterator[None]:
    handler = partial(Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield
        finally:
            made.shutdown()
            thread.join()


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def networked(ctx: TaskContext) -> TaskContext:
    return dataclasses.replace(ctx, config=dataclasses.replace(ctx.config, solver_network="builders"))


def test_a_server_that_comes_back(ctx: TaskContext, plan: RepoPlan, external: Path, log: Log) -> None:
    port = unused_port()
    url = f"http://127.0.0.1:{port}/"
    with pytest.raises(TaskFailed, match=r"failed to merge repos: .*; see mergerepos\.log") as raised:
        merge(networked(ctx), plan, log, url)
    assert may_be_answered_later(raised.value)
    with serving(external, port):
        engine: Any = HostEngine()
        assert adapter(plan, url).run(networked(ctx), engine, log) == 0
    assert package_count(verify_repodata(plan.datadir)) == 2


def test_a_server_that_has_no_repo(ctx: TaskContext, plan: RepoPlan, tmp_path: Path, log: Log) -> None:
    port = unused_port()
    with (
        serving(tmp_path, port),
        pytest.raises(TaskFailed, match="failed to merge repos: ") as raised,
    ):
        merge(networked(ctx), plan, log, f"http://127.0.0.1:{port}/none/")
    assert not may_be_answered_later(raised.value)


def test_merged_metadata_must_be_whole(ctx: TaskContext, plan: RepoPlan, external: Path, log: Log) -> None:
    made: Any = HostEngine()
    CreaterepoAdapter(plan=plan, image="tools:1", topdir=topdir_mounts(ctx.config)).run(ctx, made, log)
    spoiling: Any = HostEngine(spoil=plan.datadir / "*-filelists.xml.gz")
    with pytest.raises(TaskFailed, match=r"failed to merge repos: \S+-filelists\.xml\.gz, .* is missing"):
        adapter(plan, f"file://{external}/").run(ctx, spoiling, log)


def test_an_external_repo_that_cannot_be_read(
    ctx: TaskContext, plan: RepoPlan, external: Path, log: Log
) -> None:
    """mergerepo_c goes on without its packages, and ends well; no build may be made of what is left."""
    (primary,) = (external / "repodata").glob("*-primary.xml*")
    primary.write_bytes(b"\x28\xb5\x2f\xfd nothing that anybody reads")
    with pytest.raises(TaskFailed, match=r"failed to merge repos: .*Cannot load repo: .*external"):
        merge(ctx, plan, log, f"file://{external}/")


def argv(plan: RepoPlan, mode: str = "koji", version: tuple[int, ...] = NEW) -> list[str]:
    words = mergerepo_argv(plan, mode=mode, urls=["http://a/"], version=version)
    return [word.replace(str(plan.workdir), "W").replace(str(plan.toprepodir), "R") for word in words]


def test_command(plan: RepoPlan) -> None:
    tail = ["-g", "R/groups/comps.xml", "-r", "file://W/repo_4_premerge/", "-r", "http://a/"]
    common = ["-a", "x86_64", "-o", "W/repo"]
    blocked = ["-b", "R/x86_64/blocklist"]
    program = "/usr/bin/mergerepo_c"
    assert argv(plan) == [program, "--koji", *blocked, *common, "--arch-expand", *tail]
    assert argv(plan, "simple")[1:3] == ["--koji", "--simple"]
    assert argv(plan, "bare") == [program, "--pkgorigins", "--all", *common, "--arch-expand", *tail]
    assert argv(plan, version=(0, 15, 10)) == [program, "--koji", *blocked, *common, *tail]
    assert argv(plan, version=()) == [program, "--koji", *blocked, *common, *tail]


@pytest.mark.parametrize(
    ("mode", "version", "shown"),
    [
        ("simple", (0, 12, 9), "0.12.9, wanted 0.13.0"),
        ("simple", (), "none, wanted 0.13.0"),
        ("bare", (0, 13, 0), "0.13.0, wanted 0.13.1"),
    ],
)
def test_a_mode_needs_a_new_tool(plan: RepoPlan, mode: str, version: tuple[int, ...], shown: str) -> None:
    with pytest.raises(
        TaskFailed, match=f"of tag {plan.tag_name} is too old for merge mode {mode} .*: {shown}"
    ):
        argv(plan, mode, version)


def test_a_tool_of_an_unknown_version(plan: RepoPlan) -> None:
    assert argv(plan, "bare", ())[1:3] == ["--pkgorigins", "--all"]


def test_version() -> None:
    assert parse_version("20:50:13: Version: 0.17.3 (Features: DeltaRPM LegacyWeakdeps )\n") == (0, 17, 3)
    assert parse_version("command not found") == ()


def test_local_directory() -> None:
    assert local_directory("file:///a/b%20c/") == Path("/a/b c")
    assert local_directory("/a/b") == Path("/a/b")
    assert local_directory("https://a/b") is None
