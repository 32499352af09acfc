"""completeBuild and moveBuildToScratch: what is checked, recorded and moved."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import koji
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.testbed.hub.content_hub import Caller, ContentHub
    from tests.unit.testbed.hub.rpm_packages import Built, PackageMaker


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "build.log", tmp_path / "root.log"]
    for file in files:
        file.write_text(f"{file.name} of the build\n", encoding="utf-8")
    return files


class Attempt:
    """A build of these packages that is about to be completed."""

    def __init__(self, hub: ContentHub, builder: Caller, built: Built, **data: Any) -> None:
        self.hub, self.builder, self.built = hub, builder, built
        self.task_id = hub.task(builder)
        self.build_id: int = builder.host.initBuild(built.build_data(self.task_id, **data))
        self.srpm, *self.rpms = hub.upload(self.task_id, built.srpm, *built.rpms)

    def complete(self, **options: Any) -> dict[str, Any]:
        build: dict[str, Any] = self.builder.host.completeBuild(
            self.task_id, self.build_id, self.srpm, self.rpms, **options
        )
        return build

    def is_building(self) -> bool:
        state: str = koji.BUILD_STATES[self.hub.admin.getBuild(self.build_id)["state"]]
        return state == "BUILDING"


@pytest.fixture
def attempt(hub: ContentHub, builder: Caller, hello: Built) -> Attempt:
    return Attempt(hub, builder, hello)


def test_a_completed_build_has_its_rpms(admin: Caller, attempt: Attempt, hello: Built) -> None:
    assert attempt.complete() == admin.getBuild(hello.nvr)
    build = admin.getBuild(hello.nvr)
    assert build["state"] == koji.BUILD_STATES["COMPLETE"]
    source, binary = admin.listRPMs(buildID=build["id"])
    header: Any = koji.get_header_fields(str(hello.rpms[0]), ["sigmd5", "buildtime"])
    assert binary == {
        "arch": "noarch",
        "build_id": build["id"],
        "buildroot_id": None,
        "buildtime": header["buildtime"],
        "draft": False,
        "epoch": None,
        "external_repo_id": 0,
        "external_repo_name": "INTERNAL",
        "extra": None,
        "id": binary["id"],
        "metadata_only": False,
        "name": "hello",
        "nvr": "hello-1.0-1",
        "payloadhash": koji.hex_string(header["sigmd5"]),
        "release": "1",
        "size": hello.rpms[0].stat().st_size,
        "version": "1.0",
    }
    assert source["arch"] == "src"


def test_files_move_and_leave_links(
    hub: ContentHub, admin: Caller, attempt: Attempt, logs: list[Path], hello: Built
) -> None:
    paths = hub.upload(attempt.task_id, *logs)
    attempt.complete(logs={"x86_64": paths})
    directory = hub.topdir / "packages" / "hello" / "1.0" / "1"
    moved = {
        attempt.srpm: directory / "src" / hello.srpm.name,
        attempt.rpms[0]: directory / "noarch" / hello.rpms[0].name,
        paths[0]: directory / "data" / "logs" / "x86_64" / "build.log",
    }
    for left, there in moved.items():
        link = hub.topdir / "work" / left
        assert link.is_symlink()
        assert link.resolve() == there.resolve()
        assert not there.is_symlink()
    assert (directory / "noarch" / hello.rpms[0].name).read_bytes() == hello.rpms[0].read_bytes()
    assert admin.getBuildLogs(hello.nvr) == [
        {
            "name": name,
            "dir": "x86_64",
            "path": f"packages/hello/1.0/1/data/logs/x86_64/{name}",
        }
        for name in ("build.log", "root.log")
    ]
    assert admin.getChangelogEntries(hello.nvr)[0]["text"] == "- Packaged"


def test_buildroots_of_the_rpms(hub: ContentHub, admin: Caller, builder: Caller, hello: Built) -> None:
    attempt = Attempt(hub, builder, hello)
    hub.tag()
    repo_id = builder.host.repoInit("dist")[0]
    buildroot = builder.host.newBuildRoot(repo_id, "x86_64", task_id=attempt.task_id)
    attempt.complete(brmap={attempt.rpms[0]: buildroot, attempt.srpm: buildroot})
    assert {rpm["arch"] for rpm in admin.listRPMs(buildrootID=buildroot)} == {"src", "noarch"}


def test_an_unknown_buildroot(attempt: Attempt) -> None:
    with pytest.raises(koji.GenericError, match="no buildroot with ID: 77"):
        attempt.complete(brmap={attempt.rpms[0]: 77})
    assert attempt.is_building()


def test_a_missing_file(hub: ContentHub, attempt: Attempt) -> None:
    (hub.topdir / "work" / attempt.rpms[0]).unlink()
    with pytest.raises(koji.GenericError, match="No such file"):
        attempt.complete()
    assert attempt.is_building()


def test_a_missing_log(attempt: Attempt) -> None:
    with pytest.raises(koji.GenericError, match="not a regular file"):
        attempt.complete(logs={"x86_64": ["tasks/1/1/build.log"]})


@pytest.mark.parametrize(("field", "value"), [("version", "1.1"), ("release", "9"), ("epoch", 4)])
def test_a_source_package_of_another_build(
    hub: ContentHub, builder: Caller, hello: Built, field: str, value: Any
) -> None:
    attempt = Attempt(hub, builder, hello, **{field: value})
    with pytest.raises(koji.GenericError, match=f"{field} mismatch"):
        attempt.complete()
    assert attempt.is_building()


def test_the_build_of_another_task(hub: ContentHub, builder: Caller, attempt: Attempt) -> None:
    other = hub.task(builder)
    with pytest.raises(koji.GenericError, match="task_id mismatch"):
        builder.host.completeBuild(other, attempt.build_id, attempt.srpm, attempt.rpms)


def test_what_is_no_source_package(builder: Caller, attempt: Attempt) -> None:
    with pytest.raises(koji.GenericError, match="not a source package"):
        builder.host.completeBuild(attempt.task_id, attempt.build_id, attempt.rpms[0], [])


def test_a_file_that_has_the_wrong_name(hub: ContentHub, attempt: Attempt) -> None:
    path = hub.topdir / "work" / attempt.rpms[0]
    path.rename(path.with_name("hello-2.0-1.noarch.rpm"))
    attempt.rpms = [attempt.rpms[0].replace("1.0", "2.0")]
    with pytest.raises(koji.GenericError, match=r"bad filename: hello-2\.0-1\.noarch\.rpm"):
        attempt.complete()


def test_an_rpm_from_another_source_package(hub: ContentHub, attempt: Attempt, newer_hello: Built) -> None:
    attempt.rpms = hub.upload(attempt.task_id, *newer_hello.rpms)
    with pytest.raises(koji.GenericError, match="srpm mismatch"):
        attempt.complete()
    assert attempt.is_building()


def test_a_build_that_is_not_building_any_more(builder: Caller, attempt: Attempt) -> None:
    builder.host.failBuild(attempt.task_id, attempt.build_id)
    with pytest.raises(koji.GenericError, match="state is FAILED"):
        attempt.complete()


def test_arguments_of_the_wrong_type(builder: Caller, attempt: Attempt) -> None:
    with pytest.raises(koji.ParameterError):
        builder.host.completeBuild(attempt.task_id, attempt.build_id, attempt.srpm, "one")
    with pytest.raises(koji.ParameterError):
        attempt.complete(brmap=[1])


@pytest.fixture
def two_noarch(
    hub: ContentHub, builder: Caller, packages: PackageMaker
) -> tuple[Attempt, list[int], list[list[str]]]:
    """A build whose noarch rpm two tasks made, with different content."""
    one = packages.make("same", content="one", more="touch %{buildroot}/usr/share/same/extra")
    kept = [path.read_bytes() for path in one.rpms]
    attempt = Attempt(hub, builder, one)
    other = packages.make("same", content="two")
    assert [path.read_bytes() for path in other.rpms] != kept
    tasks = [hub.task(builder, "buildArch"), hub.task(builder, "buildArch")]
    for path, content in zip(other.rpms, kept, strict=True):
        path.with_suffix(".one").write_bytes(content)
    second = hub.upload(tasks[1], *other.rpms)
    for path, content in zip(other.rpms, kept, strict=True):
        path.write_bytes(content)
    return attempt, tasks, [hub.upload(tasks[0], *other.rpms), second]


def test_noarch_rpms_that_differ(two_noarch: tuple[Attempt, list[int], list[list[str]]]) -> None:
    attempt, _tasks, (first, second) = two_noarch
    attempt.rpms = first + second
    with pytest.raises(koji.BuildError, match="built differently on different architectures") as caught:
        attempt.complete()
    assert "same-1.0-1.noarch.rpm" in str(caught.value)
    assert "/usr/share/same/extra" in str(caught.value)
    assert attempt.is_building()


def test_equal_digests_save_the_comparison_and_the_first_is_kept(
    hub: ContentHub, tmp_path: Path, two_noarch: tuple[Attempt, list[int], list[list[str]]]
) -> None:
    attempt, tasks, (first, second) = two_noarch
    logs = {}
    for arch, task_id in zip(("x86_64", "i686"), tasks, strict=True):
        digests = {str(task_id): {"same-1.0-1.noarch.rpm": hashlib.sha256(b"equal").hexdigest()}}
        file = tmp_path / "noarch_rpmdiff.json"
        file.write_text(json.dumps(digests), encoding="utf-8")
        logs[arch] = hub.upload(task_id, file)
    attempt.rpms = first + second
    attempt.complete(logs=logs)
    (rpm,) = hub.admin.listRPMs(buildID=attempt.build_id, arches="noarch")
    assert (hub.topdir / "work" / first[0]).is_symlink()
    assert not (hub.topdir / "work" / second[0]).is_symlink()
    assert rpm["size"] == (hub.topdir / "work" / first[0]).stat().st_size


def test_a_scratch_build_only_moves(
    hub: ContentHub, admin: Caller, builder: Caller, logs: list[Path], hello: Built
) -> None:
    task_id = hub.task(builder, owner=hub.user("alice"))
    srpm, rpm = hub.upload(task_id, hello.srpm, *hello.rpms)
    paths = hub.upload(task_id, *logs)
    builder.host.moveBuildToScratch(task_id, srpm, [rpm], logs={"noarch": paths})
    directory = hub.topdir / "scratch" / "alice" / f"task_{task_id}"
    assert {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()} == {
        hello.srpm.name,
        hello.rpms[0].name,
        "logs/noarch/build.log",
        "logs/noarch/root.log",
    }
    for left in (srpm, rpm, *paths):
        assert (hub.topdir / "work" / left).is_symlink()
        assert (hub.topdir / "work" / left).exists()
    assert admin.listBuilds() == []


def test_a_scratch_build_with_a_missing_file_moves_nothing(
    hub: ContentHub, builder: Caller, hello: Built
) -> None:
    task_id = hub.task(builder)
    (srpm,) = hub.upload(task_id, hello.srpm)
    with pytest.raises(koji.GenericError, match="No such file"):
        builder.host.moveBuildToScratch(task_id, srpm, [srpm.replace("src", "noarch")])
    assert not (hub.topdir / "work" / srpm).is_symlink()
