"""The unmodified `koji` command line against a hub: administration, questions about builds, requests.

With `--hub URL` (see conftest) against a real one; what a test makes is its own, so a hub may have more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import koji
import pytest

from tests.contract.hub_rpms import BuildInProgress, Package, make_package, prepare_build
from tests.contract.koji_client import KojiClient

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.hub_fixtures import Builder, World


@pytest.fixture
def koji_client(world: World, tmp_path: Path) -> KojiClient:
    return KojiClient(hub=world.hub, directory=tmp_path)


@pytest.fixture
def builder(world: World) -> Builder:
    return world.builder()


@dataclass(frozen=True, kw_only=True)
class Names:
    """A tag, the tag that builds for it are made from, and a target of both; one package."""

    tag: str
    build_tag: str
    target: str
    package: str


@pytest.fixture
def names(world: World, koji_client: KojiClient) -> Names:
    """Made with the client."""
    names = Names(
        tag=world.name("dist"),
        build_tag=world.name("build"),
        target=world.name("target"),
        package=world.name("package"),
    )
    koji_client("add-tag", names.tag, "--arches", "x86_64")
    koji_client("add-tag", names.build_tag, "--parent", names.tag, "--arches", "x86_64")
    koji_client("add-target", names.target, names.build_tag, names.tag)
    koji_client("add-pkg", names.tag, "--owner", world.hub.admin[0], names.package)
    return names


@pytest.fixture
def built(world: World, builder: Builder, names: Names, tmp_path: Path) -> BuildInProgress:
    """A finished build of the package, in no tag yet."""
    build = prepare_build(world, builder, make_package(tmp_path / "rpms", names.package))
    build.start()
    build.complete()
    return build


def first_words(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines() if line.strip()]


def tag_with(builder: Builder, task_id: int) -> None:
    """Do a tagBuild task, as a builder does."""
    builder.host.openTask(task_id)
    tag, build, force, fromtag = builder.session.getTaskRequest(task_id)
    builder.host.tagBuild(task_id, tag, build, force=force, fromtag=fromtag)
    builder.host.closeTask(task_id, koji.xmlrpcplus.dumps((None,), methodresponse=True, allow_none=True))


def test_a_tag_and_what_it_is_made_of(world: World, koji_client: KojiClient, names: Names) -> None:
    other, repo = world.name("other"), world.name("repo")
    koji_client("edit-tag", names.build_tag, "-x", "rpm.macro.dist=.t1", "-x", "mock.new_chroot=0")
    koji_client("edit-tag", names.build_tag, "-r", "mock.new_chroot")
    koji_client("add-tag", other)
    koji_client("add-tag-inheritance", names.tag, other, "--priority", "5")
    koji_client("add-external-repo", "-t", names.build_tag, repo, "http://repo.example/$arch", "-p", "7")
    koji_client("add-group", names.build_tag, "build")
    koji_client("add-group-pkg", names.build_tag, "build", "bash", "gcc")
    shown = koji_client("taginfo", names.build_tag)
    for line in (
        f"Tag: {names.build_tag} [",
        "Arches: x86_64",
        "Groups: build",
        "rpm.macro.dist : '.t1'",
        names.target,
        f"7 {repo} (http://repo.example/$arch/, merge mode: koji)",
        f"0    .... {names.tag} [",
    ):
        assert line in shown
    assert "mock.new_chroot" not in shown
    assert other in koji_client("list-tag-inheritance", names.build_tag)
    groups = koji_client("list-groups", names.build_tag)
    assert [line.split(":")[0].strip() for line in groups.splitlines()][1:] == ["bash", "gcc"]
    assert names.tag in first_words(koji_client("list-tags"))
    assert names.target in first_words(koji_client("list-targets"))
    assert repo in first_words(koji_client("list-external-repos"))


def test_package_lists_and_blocks(koji_client: KojiClient, names: Names) -> None:
    assert first_words(koji_client("list-pkgs", "--quiet", "--tag", names.tag)) == [names.package]
    koji_client("block-pkg", names.tag, names.package)
    assert koji_client("list-pkgs", "--quiet", "--tag", names.tag) == ""
    assert "[BLOCKED]" in koji_client("list-pkgs", "--quiet", "--show-blocked", "--tag", names.tag)
    koji_client("unblock-pkg", names.tag, names.package)
    assert first_words(koji_client("list-pkgs", "--quiet", "--tag", names.tag)) == [names.package]


def test_questions_about_a_build(
    koji_client: KojiClient, names: Names, built: BuildInProgress, tmp_path: Path
) -> None:
    package: Package = built.package
    shown = koji_client("buildinfo", package.nvr)
    assert f"BUILD: {package.nvr} [{built.build_id}]" in shown
    assert "State: COMPLETE" in shown
    for file in (package.srpm, *package.rpms):
        assert file.name in shown
    assert first_words(koji_client("list-builds", "--quiet", "--package", names.package)) == [package.nvr]
    made = koji_client("list-buildroot", "--built", str(built.buildroot_id))
    assert {f"{file.name.removesuffix('.rpm')}" for file in (package.srpm, *package.rpms)} <= set(
        first_words(made)
    )
    koji_client("download-build", "--arch", "noarch", package.nvr)
    assert (tmp_path / package.noarch.name).read_bytes() == package.noarch.read_bytes()
    assert "No such build" in koji_client.run("buildinfo", "nothing-1-1").stderr


def test_components_of_a_buildroot(world: World, koji_client: KojiClient, builder: Builder) -> None:
    location = world.admin.createExternalRepo(world.name("repo"), "http://repo.example")["id"]
    packages = [
        {
            "name": name,
            "version": "1",
            "release": "1",
            "epoch": None,
            "arch": "x86_64",
            "size": 1,
            "buildtime": 1_700_000_000,
            "payloadhash": "0" * 32,
            "location": location,
        }
        for name in ("bash", "gcc")
    ]
    task_id = world.open_task(builder)
    buildroot = builder.host.newBuildRoot(world.repo(builder), "x86_64", task_id=task_id)
    builder.host.setBuildRootList(buildroot, packages[:1])
    builder.host.setBuildRootState(buildroot, "BUILDING")
    builder.host.updateBuildRootList(buildroot, packages)
    builder.host.setBuildRootState(buildroot, "EXPIRED")
    shown = koji_client("list-buildroot", "-v", str(buildroot)).splitlines()
    assert shown[-2:] == ["bash-1-1.x86_64", "gcc-1-1.x86_64 [update]"]


def test_tagging_a_build_and_taking_it_out(
    koji_client: KojiClient, builder: Builder, names: Names, built: BuildInProgress
) -> None:
    nvr = built.package.nvr
    tag_with(builder, koji_client.task("tag-build", "--nowait", names.tag, nvr))
    assert first_words(koji_client("list-tagged", "--quiet", names.tag)) == [nvr]
    assert koji_client("list-tagged", "--quiet", names.build_tag) == ""
    latest = koji_client("latest-build", "--quiet", names.build_tag, names.package)
    assert first_words(latest) == [nvr]
    rpms = koji_client("list-tagged", "--quiet", "--rpms", "--inherit", "--latest", names.build_tag)
    assert built.package.binary.name.removesuffix(".rpm") in first_words(rpms)
    assert f"Tags: {names.tag}" in koji_client("buildinfo", nvr)
    assert f"{nvr} tagged into {names.tag}" in koji_client("list-history", "--tag", names.tag)
    koji_client("untag-build", names.tag, nvr)
    assert koji_client("list-tagged", "--quiet", names.tag) == ""


def test_a_build_is_asked_for_and_canceled(
    world: World, koji_client: KojiClient, builder: Builder, names: Names, tmp_path: Path
) -> None:
    package = make_package(tmp_path / "rpms", names.package)
    task_id = koji_client.task("build", "--scratch", "--nowait", names.target, str(package.srpm))
    request = world.admin.getTaskRequest(task_id)
    assert request[1:] == [
        names.target,
        {"scratch": True, "wait_builds": [], "custom_user_metadata": {}},
    ]
    assert (world.hub.topdir / "work" / request[0]).read_bytes() == package.srpm.read_bytes()
    koji_client("cancel", str(task_id))
    assert world.state(task_id) == "CANCELED"
    build = prepare_build(world, builder, package)
    build.start()
    koji_client("cancel", package.nvr)
    assert world.admin.getBuild(package.nvr)["state"] == koji.BUILD_STATES["CANCELED"]
    assert world.state(build.task_id) == "CANCELED"


def test_a_repo_is_asked_for(world: World, koji_client: KojiClient, builder: Builder, names: Names) -> None:
    assert "Got request: " in koji_client("regen-repo", "--nowait", names.build_tag)
    # What the daemon kojira does beside a real hub.
    world.admin.repo.checkQueue()
    ((request),) = world.admin.repo.queryQueue([["tag_name", names.build_tag]], "**")
    task_id = request["task_id"]
    builder.host.openTask(task_id)
    repo_id, event = builder.host.repoInit(names.build_tag, task_id=task_id)
    builder.host.repoDone(repo_id, {})
    result = koji.xmlrpcplus.dumps(([repo_id, event],), methodresponse=True)
    builder.host.closeTask(task_id, result)
    assert f"Got repo {repo_id}" in koji_client("regen-repo", "--wait", names.build_tag)
    made = koji_client.task("regen-repo", "--make-task", "--nowait", names.build_tag)
    koji_client("cancel", str(made))
