"""Repositories that are not what they say: the error names the repo, and nothing of it stays on the host."""

import gzip
import lzma
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import koji
import pytest

from koji_adjutant.host.compression import open_expanded
from koji_adjutant.testbed.content import TAG
from koji_adjutant.testbed.synthetic.repodata import (
    plain_record,
    read_files,
    read_records,
    write_repomd,
)
from tests.integration.bad.conftest import BAD, Bad
from tests.integration.bad.packages import make_packages
from tests.unit.buildroot.xml_repo import COMPRESSIONS

pytestmark = pytest.mark.podman

NO_GROUPS = "dist-md-no-groups"


@contextmanager
def other_repodata(bad: Bad) -> Iterator[Path]:
    """A copy of the repo's metadata in its place, to be spoilt, with content that this host has not seen."""
    repo = bad.repo
    kept = repo / "kept"
    (repo / "repodata").rename(kept)
    try:
        shutil.copytree(kept, repo / "repodata")
        yield repo / "repodata"
    finally:
        shutil.rmtree(repo / "repodata")
        kept.rename(repo / "repodata")


def rewrite(repodata: Path, primary: bytes) -> Path:
    """Have `primary`, compressed as it is, for the primary metadata, by true records."""
    records = {record.kind: record for record in read_records(repodata)}
    records["primary"].path.write_bytes(primary)
    new = plain_record("primary", records["primary"].path)
    write_repomd(repodata, ({**records, "primary": new}).values())
    return new.path


def primary_of(repodata: Path) -> str:
    return gzip.decompress(read_files(repodata.parent)["primary"].read_bytes()).decode()


@pytest.mark.parametrize("compression", [kind for kind in COMPRESSIONS if kind != "gz"])
def test_metadata_of_another_compression_is_none_of_them(bad: Bad, compression: str) -> None:
    """As createrepo_c 1.x makes them (zst), or one that was told to."""
    with other_repodata(bad) as repodata:
        records = read_records(repodata)
        for record in records:
            if record.kind in {"primary", "filelists", "other", "group", "origin"}:
                with open_expanded(record.path, 1 << 28) as file:
                    content = file.read()
                record.path.unlink()
                path = record.path.with_name(f"{record.kind}.xml.{compression}")
                path.write_bytes(COMPRESSIONS[compression](content))
                records = [plain_record(one.kind, path) if one is record else one for one in records]
        write_repomd(repodata, records)
        task = bad.still_builds()
        assert bad.testbed.session.listBuildroots(taskID=task.id)


def test_metadata_that_nothing_here_reads(bad: Bad) -> None:
    """It is said what it is, not what was made of it: it is no damage, and no other attempt will do."""
    with other_repodata(bad) as repodata:
        rewrite(repodata, lzma.compress(primary_of(repodata).encode(), format=lzma.FORMAT_ALONE))
        failure = bad.failure(bad.source("unreadable", "bad-not-at-all"))
        assert isinstance(failure.error, koji.BuildrootError)
        assert f"primary metadata of repo {bad.repo.parent.name} of {BAD} (" in failure.message
        assert "a compression that nothing here reads: lzma" in failure.message
    bad.still_builds()


def test_metadata_that_is_cut_off(bad: Bad) -> None:
    with other_repodata(bad) as repodata:
        path = rewrite(repodata, gzip.compress(f"{primary_of(repodata)}<!-- cut off -->".encode()))
        whole = path.read_bytes()
        path.write_bytes(whole[:-1000])
        failure = bad.failure(bad.source("cut-off", "bad-not-at-all"))
        assert isinstance(failure.error, koji.BuildrootError)
        assert f"primary metadata of repo {bad.repo.parent.name} of {BAD}" in failure.message
        path.write_bytes(whole)
        bad.still_builds()


def test_metadata_that_is_no_metadata(bad: Bad) -> None:
    with other_repodata(bad) as repodata:
        text = primary_of(repodata)
        rewrite(repodata, gzip.compress(text[: len(text) // 2].encode()))
        failure = bad.failure(bad.source("half-xml", "bad-not-at-all"))
        assert isinstance(failure.error, koji.BuildrootError)
        assert "metadata" in failure.message
    bad.still_builds()


def test_half_a_repomd(bad: Bad) -> None:
    with other_repodata(bad) as repodata:
        repomd = repodata / "repomd.xml"
        repomd.write_bytes(repomd.read_bytes()[:700])
        failure = bad.failure(bad.source("half-repomd", "bad-not-at-all"))
        assert isinstance(failure.error, koji.BuildrootError)
        assert "repomd.xml" in failure.message


def test_a_repo_whose_files_are_gone(bad: Bad) -> None:
    repo = bad.repo
    repo.rename(repo.with_name("gone"))
    try:
        failure = bad.failure(bad.source("no-repo", "bad-not-at-all"))
        assert isinstance(failure.error, koji.BuildrootError)
        assert f"/{repo.parent.name}/" in failure.message
    finally:
        repo.with_name("gone").rename(repo)
    bad.still_builds()


def test_a_package_that_is_cut_off(bad: Bad) -> None:
    """As a mirror has it that is being written."""
    (package,) = (bad.external / "Packages").glob("bad-half-*.rpm")
    whole = package.read_bytes()
    package.write_bytes(whole[: len(whole) // 2])
    failure = bad.failure(bad.source("wants-half", "bad-half"))
    assert {"bad-half-1-1.noarch", "bad"} <= set(failure.message.replace(":", " ").split())
    package.write_bytes(whole)


def test_an_external_package_with_other_content(bad: Bad, tmp_path: Path) -> None:
    (package,) = (bad.external / "Packages").glob("bad-changes-*.rpm")
    whole = package.read_bytes()
    shutil.copyfile(make_packages(tmp_path, "somebody else") / package.name, package)
    assert package.read_bytes() != whole
    failure = bad.failure(bad.source("wants-changed", "bad-changes"))
    assert "bad-changes-1-1.noarch" in failure.message
    assert f"external repo bad ({bad.testbed.description.topurl}/external/bad/)" in failure.message
    assert "regenerate the repo" in failure.message
    package.write_bytes(whole)


def test_an_external_repo_that_vanishes(bad: Bad) -> None:
    """After the tag's repo was made of it: the solution is found, the packages are not."""
    packages = bad.external / "Packages"
    packages.rename(bad.external / "gone")
    failure = bad.failure(bad.source("wants-vanished", "bad-vanishes"))
    assert "bad-vanishes-1-1.noarch" in failure.message
    assert "external repo bad" in failure.message
    assert "404" in failure.message
    (bad.external / "gone").rename(packages)
    # What is right again is had again, the others too.
    bad.still_builds("bad-half", "bad-changes", "bad-vanishes")


def test_a_group_that_does_not_exist(bad: Bad) -> None:
    testbed = bad.testbed
    testbed.session.createTag(NO_GROUPS, parent=TAG, arches=testbed.description.arch)
    testbed.session.editTag2(NO_GROUPS, extra={"rebuild_srpm": False})
    testbed.session.addExternalRepoToTag(NO_GROUPS, "bad", 5)
    testbed.session.createBuildTarget(NO_GROUPS, NO_GROUPS, TAG)
    testbed.regenerate(NO_GROUPS)
    build = testbed.build(bad.source("no-group"), "--scratch", target=NO_GROUPS)
    failure = bad.failure_of(build.task("buildArch"))
    assert isinstance(failure.error, koji.BuildrootError)
    assert "group build" in failure.message
    assert NO_GROUPS in failure.message
    testbed.session.deleteBuildTarget(NO_GROUPS)
    testbed.session.deleteTag(NO_GROUPS)
