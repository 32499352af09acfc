"""Every place where a string of the hub, a tag, a repo or a package becomes a path, URL, name, word or line.

docs/security.md lists them; names as such are in test_names.py, source packages in handlers/test_source_package.py,
archives in container/test_archive.py, logs in cli/test_logs.py.
"""

import ast
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import koji
import pytest

from koji_adjutant.buildroot.install.repo_metadata import RepoMetadata
from koji_adjutant.buildroot.install.solutions import SolvedPackage
from koji_adjutant.buildroot.record import fetch
from koji_adjutant.buildroot.settings import BuildrootSettings, buildroot_settings
from koji_adjutant.config import Config
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.podman.images import place_of
from koji_adjutant.errors import AdjutantError, BuildFailed, BuildrootFailed, EngineError, TaskFailed
from koji_adjutant.handlers.build.build import BuildTask
from koji_adjutant.handlers.build.build_arches import build_arches
from koji_adjutant.handlers.build.build_plan import BuiltFiles
from koji_adjutant.handlers.repo.createrepo import CreaterepoTask
from koji_adjutant.handlers.repo.new_repo import NewRepoTask
from koji_adjutant.handlers.source_header import SourceHeader
from koji_adjutant.policy.resolver import PolicyResolver
from koji_adjutant.task_adapters.buildroot_adapter import host_name
from koji_adjutant.task_adapters.repodata.mergerepo import local_directory
from koji_adjutant.task_adapters.repodata.repo_plan import RepoPlan, repo_directory
from koji_adjutant.task_adapters.repodata.verify import records
from tests.bound_handlers import bound
from tests.unit.hostile_names import HOSTILE_PARTS, HOSTILE_PATHS, ODD_NAMES

CONFIG = Config(
    server="http://hub/kojihub",
    topurls=("http://hub/kojifiles",),
    topdir="/mnt/koji",
    state_dir=Path("/nonexistent"),
)
SLASHED = "rhel/9.2+x"
ONE = "1" * 64
EVERYTHING = {**HOSTILE_PATHS, **HOSTILE_PARTS, **ODD_NAMES}


def each(cases: dict[str, str]) -> list[object]:
    return [pytest.param(value, id=kind) for kind, value in cases.items()]


def in_xml(cases: dict[str, str]) -> list[object]:
    """Those that an XML document can have in an attribute as they are."""
    legal = {
        kind: value
        for kind, value in cases.items()
        if all(character == "\x85" or " " <= character <= "\ud7ff" for character in value)
    }
    return each(legal)


def settings(
    tag: str = "dist-build", *, arch: str = "x86_64", extra: dict[str, Any] | None = None, repo_id: Any = 7
) -> BuildrootSettings:
    return buildroot_settings(
        repo={"id": repo_id, "tag_id": 2, "tag_name": tag, "state": koji.REPO_READY, "create_event": 74},
        build_config={"id": 2, "name": tag, "arches": "x86_64", "extra": extra or {}},
        arch=arch,
        group="build",
        config=CONFIG,
    )


def handler(cls: Any, options: object) -> Any:
    """A handler without a hub."""
    method, made = bound(cls)
    return made(1, method, [], None, options, "/nonexistent")


def one_line_error(error: AdjutantError) -> None:
    assert str(error).isprintable()
    assert len(str(error)) < 1500


# Tags, repos and architectures


def test_a_tag_with_a_slash_has_the_repo_that_the_hub_made() -> None:
    assert settings(SLASHED).baseurls == ("http://hub/kojifiles/repos/rhel/9.2+x/7/x86_64",)
    assert repo_directory("/mnt/koji", 7, SLASHED) == Path("/mnt/koji/repos/rhel/9.2+x/7")
    plan = RepoPlan(repo_id=7, tag_name=SLASHED, arch="x86_64", topdir="/mnt/koji", workdir=Path("/work"))
    assert plan.pkglist == Path("/mnt/koji/repos/rhel/9.2+x/7/x86_64/pkglist")


@pytest.mark.parametrize("tag", each(HOSTILE_PATHS))
def test_a_hostile_tag_is_no_path_and_no_url(tag: str, tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match="is not a plain name") as failed:
        repo_directory(str(tmp_path), 7, tag)
    one_line_error(failed.value)
    with pytest.raises(BuildrootFailed, match="is not a plain name"):
        settings(tag)
    task = handler(NewRepoTask, SimpleNamespace(topdir=str(tmp_path)))
    with pytest.raises(TaskFailed, match="is not a plain name"):
        task._path(7, tag)


@pytest.mark.parametrize("name", each({**HOSTILE_PATHS, **HOSTILE_PARTS}))
def test_a_hostile_architecture_is_no_path(name: str, tmp_path: Path) -> None:
    plan = RepoPlan(repo_id=7, tag_name="t", arch=name, topdir=str(tmp_path), workdir=tmp_path)
    with pytest.raises(TaskFailed, match="is not a plain name"):
        _ = plan.repodir
    with pytest.raises(BuildrootFailed, match="is not a plain name"):
        settings(arch=name)


@pytest.mark.parametrize("name", ["tag_name", "arch"])
def test_createrepo_looks_at_both_before_it_looks_at_the_disk(tmp_path: Path, name: str) -> None:
    (tmp_path / "repos").mkdir()
    options = SimpleNamespace(topdir=str(tmp_path), createrepo_skip_stat=True)
    task = handler(CreaterepoTask, options)
    given = {"tag_name": "t", "arch": "x86_64", name: "../../../etc"}
    with pytest.raises(TaskFailed, match="is not a plain name"):
        task._plan({"id": 7, "tag_name": given["tag_name"]}, given["arch"])


@pytest.mark.parametrize("given", ["../7", "7/../..", "7\n"])
def test_the_number_of_a_repo_is_a_number(given: str) -> None:
    if given.strip().isdigit():
        assert repo_directory("/mnt/koji", given, "t") == Path("/mnt/koji/repos/t/7")  # type: ignore[arg-type]
        return
    with pytest.raises(ValueError, match="invalid literal"):
        repo_directory("/mnt/koji", given, "t")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="invalid literal"):
        settings(repo_id=given)


@pytest.mark.parametrize("arch", ["i/86", "i\\86", "i?86", "arm/../h"])
def test_an_architecture_that_a_request_asks_for_is_a_name(arch: str) -> None:
    tag = {"id": 2, "name": "t", "arches": "i386 armhfp", "extra": {}}
    header = SourceHeader(name="p", version="1", release="1")
    with pytest.raises(BuildFailed, match="is not a plain name") as caught:
        build_arches(tag, header, override=arch)
    one_line_error(caught.value)


@pytest.mark.parametrize("text", each(EVERYTHING))
def test_labels_are_the_words_of_a_request_and_not_names(text: str) -> None:
    found = Owner(worker="w", task_id=1, build_tag=text, arch=text).labels(Role.BUILD)
    assert set(found) <= {
        f"io.koji.adjutant.{key}" for key in ("worker", "role", "task-id", "build-tag", "arch")
    }


# Repo metadata


def repomd(**changes: str) -> bytes:
    data = {
        "kind": "primary",
        "href": "repodata/primary.xml.gz",
        "checksum": ONE,
        "type": "sha256",
        **changes,
    }
    text = {
        key: "".join(f"&#{ord(character)};" if character in '"<&\t\n\r' else character for character in value)
        for key, value in data.items()
    }
    return (
        '<repomd xmlns="http://linux.duke.edu/metadata/repo">'
        f'<data type="{text["kind"]}"><checksum type="{text["type"]}">{text["checksum"]}</checksum>'
        f'<location href="{text["href"]}"/></data></repomd>'
    ).encode()


@pytest.mark.parametrize("href", in_xml(HOSTILE_PATHS))
def test_a_hostile_href_of_metadata_is_refused(href: str, tmp_path: Path) -> None:
    with pytest.raises(BuildrootFailed, match=r"^http://e/repomd\.xml: .*regenerate the repo$") as caught:
        RepoMetadata.parse(repomd(href=href), "http://e/repomd.xml")
    one_line_error(caught.value)
    (tmp_path / "repomd.xml").write_bytes(repomd(href=href))
    with pytest.raises(TaskFailed, match="is not a plain name"):
        records(tmp_path)


@pytest.mark.parametrize("text", in_xml({**EVERYTHING, "short": "12", "upper": "A" * 64}))
@pytest.mark.parametrize("field", ["checksum", "type", "kind"])
def test_a_hostile_record_of_metadata_is_refused(field: str, text: str) -> None:
    if (field, text) == ("checksum", "A" * 64):
        assert RepoMetadata.parse(repomd(checksum=text), "u").records["primary"].checksum == "a" * 64
        return
    with pytest.raises(BuildrootFailed) as caught:
        RepoMetadata.parse(repomd(**{field: text}), "http://e/repomd.xml")
    one_line_error(caught.value)


def row(**changes: Any) -> dict[str, Any]:
    return {
        "name": "bash",
        "epoch": 0,
        "version": "5",
        "release": "1",
        "arch": "x86_64",
        "size": 7,
        "checksum": ["sha256", ONE],
        "location": "Packages/bash-5-1.x86_64.rpm",
        "base": "",
        **changes,
    }


@pytest.mark.parametrize("location", each(HOSTILE_PATHS))
def test_a_hostile_href_of_a_package_is_refused(location: str) -> None:
    with pytest.raises(BuildrootFailed, match="is not a plain name") as caught:
        SolvedPackage.from_json(row(location=location))
    one_line_error(caught.value)


@pytest.mark.parametrize("field", ["name", "version", "release", "arch"])
@pytest.mark.parametrize("text", each({**HOSTILE_PARTS, "path": "a/../b"}))
def test_a_hostile_name_of_a_package_is_refused(field: str, text: str) -> None:
    with pytest.raises(BuildrootFailed, match="is not a plain name") as caught:
        SolvedPackage.from_json(row(**{field: text}))
    one_line_error(caught.value)


@pytest.mark.parametrize("text", each(EVERYTHING))
def test_a_hostile_checksum_of_a_package_is_refused(text: str) -> None:
    for checksum in (["sha256", text], [text, ONE]):
        with pytest.raises(BuildrootFailed, match="is no checksum of kind") as caught:
            SolvedPackage.from_json(row(checksum=checksum))
        one_line_error(caught.value)


@pytest.mark.parametrize("name", each(ODD_NAMES))
def test_an_odd_package_is_one_file_and_one_url(name: str) -> None:
    found = SolvedPackage.from_json(row(location=f"toplink/packages/{name}"))
    assert found.file == f"packages/11/{ONE}/{name}"
    (url,) = found.urls(("http://hub/repo/",))
    assert url.startswith("http://hub/repo/toplink/packages/")
    assert url.isascii()
    assert not set(url) & set("?# %\\") or "%" in url


def test_a_package_with_a_url_of_its_own_has_the_name_at_its_end() -> None:
    found = SolvedPackage.from_json(row(location="https://cdn/x/bash.rpm?token=1"))
    assert (Path(found.file).name, found.urls(())) == ("bash.rpm", ("https://cdn/x/bash.rpm?token=1",))
    with pytest.raises(BuildrootFailed, match="is not a plain name"):
        SolvedPackage.from_json(row(location="https://cdn/x/.."))


@pytest.mark.parametrize("location", each(HOSTILE_PATHS))
def test_a_hostile_file_of_a_repo_is_not_asked_for(location: str) -> None:
    http: Any = None
    with pytest.raises(BuildrootFailed, match="is not a plain name"):
        fetch(http, ("http://hub/repo",), location)


# External repos


@pytest.mark.parametrize(
    "url", ["file:///mnt/repo", "file:///mnt//repo/", "/mnt/repo", "file://host/mnt/repo/"]
)
def test_a_directory_of_an_external_repo(url: str) -> None:
    assert local_directory(url) == Path("/mnt/repo")


@pytest.mark.parametrize(
    "url",
    ["file:///mnt/../etc", "file:///mnt/%2e%2e/etc", "/mnt/%00", "mnt/repo", "file:///mnt/%0aevil", "-r"],
)
def test_a_hostile_directory_of_an_external_repo(url: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        local_directory(url)
    one_line_error(caught.value)


# Images


@pytest.mark.parametrize("image", each(HOSTILE_PATHS))
@pytest.mark.parametrize("key", ["mock.bootstrap_image", "adjutant_image_policy"])
def test_a_hostile_image_of_a_tag_is_no_place_of_the_engine(image: str, key: str) -> None:
    rules = {"version": "1.0", "rules": [{"type": "default", "image": image}]}
    resolver = PolicyResolver(dataclasses.replace(CONFIG, mock_bootstrap_image="yes"))
    extra = {key: rules if key.startswith("adjutant") else image}
    if image:
        with pytest.raises(BuildrootFailed) as caught:
            resolver.image_for(tag_name="t", tag_extra=extra, arch="x86_64", method="buildArch")
        assert len(str(caught.value)) < 12_000
    with pytest.raises(EngineError, match="is not a plain name"):
        place_of(image)


@pytest.mark.parametrize(
    "image", ["sha256:abc", "localhost:5000/a/b:1.2_x", "quay.io/fedora@sha256:12", "kiwi", "-rf"]
)
def test_an_image_is_below_the_images_of_the_engine(image: str) -> None:
    assert place_of(image) == f"/images/{image}"


# Settings of tags


@pytest.mark.parametrize("text", each({kind: text for kind, text in EVERYTHING.items() if text}))
def test_the_configuration_in_a_log_is_data_and_nothing_else(text: str) -> None:
    extra = {"rpm.macro.evil": text, **({} if "\0" in text else {"rpm.env.EVIL": text})}
    found = settings(extra=extra)
    written = found.text(name="t-3-7", images={"task": text}, notes={"note": text})
    assigned: dict[str, Any] = {}
    for statement in ast.parse(written.encode(errors="backslashreplace").decode()).body:
        assert isinstance(statement, ast.Assign)
        assert isinstance(statement.value, ast.Constant | ast.Dict)
        assigned[ast.unparse(statement.targets[0])] = ast.literal_eval(statement.value)
    assert assigned["config_opts['macros']['%evil']"] == text
    assert all(line.isprintable() for line in written.split("\n"))


@pytest.mark.parametrize("text", each(EVERYTHING))
def test_a_host_name_has_no_more_than_host_names_have(text: str) -> None:
    made = host_name(text)
    assert len(made) <= 63
    assert made.isascii()
    assert not set(made) & set("/\\ \n\r\t\0\x1b")


# Requests


@pytest.mark.parametrize("user", each(HOSTILE_PATHS))
def test_a_hostile_user_is_no_url(user: str) -> None:
    task = handler(BuildTask, CONFIG)
    task.session = SimpleNamespace(getUser=lambda *_args, **_more: {"name": user})
    with pytest.raises(TaskFailed, match="is not a plain name"):
        task._is_in_scratch(BuiltFiles(srpm="tasks/1/1/a.src.rpm"), 1)


@pytest.mark.parametrize("source", each(HOSTILE_PATHS))
@pytest.mark.parametrize("rebuild", [True, False])
def test_a_hostile_request_makes_no_subtask(source: str, rebuild: bool) -> None:
    task = handler(BuildTask, CONFIG)
    ground: Any = None
    with pytest.raises(BuildFailed, match="is not a plain name") as caught:
        task._source(source, ground, {"scratch": True, "rebuild_srpm": rebuild})
    one_line_error(caught.value)
