"""Metadata of createrepo_c as it was and as it is (zstd since 1.0): made by either, read by either and by us."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.repo_metadata import RepoMetadata
from koji_adjutant.buildroot.record import origin_urls
from koji_adjutant.handlers.repo.repo_clone import copy_repodata
from koji_adjutant.task_adapters.repodata.mergerepo import NOT_LOADED
from koji_adjutant.task_adapters.repodata.recycle import recycle_repodata
from koji_adjutant.task_adapters.repodata.verify import package_count, records, verify_repodata
from tests.unit.buildroot.install.test_solver_script import Run
from tests.unit.buildroot.web import settings_for, web
from tests.unit.buildroot.xml_repo import comps

Made = tuple[Path, str]


def version(tools: Path) -> tuple[int, int]:
    said = subprocess.run([tools / "createrepo_c", "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"Version: (\d+)\.(\d+)", said.stdout)
    assert found
    return int(found[1]), int(found[2])


def can(tools: Path, compression: str) -> bool:
    return compression != "zstd" or version(tools) >= ZSTD_SINCE


OLD, NEW = Path("/usr/bin"), Path(sys.executable).parent
"""This machine's own, which is 0.17 on Debian 12, and that of the test extra."""
ZSTD_SINCE = (1, 0)
TOOLS = (OLD, NEW)
MADE = [
    (tools, compression)
    for tools in TOOLS
    for compression in ("gz", "bz2", "xz", "zstd")
    if can(tools, compression)
]
READ = [(made, tools) for made in MADE for tools in TOOLS if can(tools, made[1])]
KINDS = ("primary", "filelists", "other", "group")
MAGIC = {b"\x1f": "gz", b"B": "bz2", b"\xfd": "xz", b"\x28": "zstd", b"<": "none"}


def name_of(words: object) -> str:
    return words.parent.name if isinstance(words, Path) else str(words)


def test_the_tools_of_today_are_among_them() -> None:
    assert version(NEW) >= (1, 2)
    assert (NEW, "zstd") in MADE


@pytest.fixture(scope="module")
def repos(tmp_path_factory: pytest.TempPathFactory, packages: dict[str, bytes]) -> dict[Made, Path]:
    """The same repo by each of the tools in each of its compressions."""
    found = {}
    for tools, compression in MADE:
        directory = tmp_path_factory.mktemp("made") / "repo"
        directory.mkdir()
        for name, content in packages.items():
            (directory / f"{name}.rpm").write_bytes(content)
        (directory.parent / "comps.xml").write_text(comps("build", ["one"]))
        create(tools, directory, f"--compress-type={compression}", f"--general-compress-type={compression}")
        found[tools, compression] = directory
    return found


@pytest.fixture(params=MADE, ids=lambda made: "-".join(map(name_of, made)))
def made(request: pytest.FixtureRequest) -> Made:
    found: Made = request.param
    return found


@pytest.fixture
def repo(repos: dict[Made, Path], made: Made) -> Path:
    return repos[made]


def create(tools: Path, directory: Path, *options: str) -> None:
    words = ("--quiet", "--error-exit-val", "--simple-md-filenames", "-g", directory.parent / "comps.xml")
    subprocess.run([tools / "createrepo_c", *words, *options, directory], check=True)


def compressions(repodata: Path) -> set[str]:
    """What the files of the metadata are compressed with, by their first byte."""
    return {MAGIC[record.path.read_bytes()[:1]] for record in records(repodata) if record.kind in KINDS}


def test_it_is_of_that_compression(repo: Path, made: Made) -> None:
    found = compressions(repo / "repodata")
    assert made[1] in found
    assert found <= {made[1], "none"}


def test_verification(repo: Path, packages: dict[str, bytes]) -> None:
    assert package_count(verify_repodata(repo / "repodata")) == len(packages)


def test_clone(repo: Path, tmp_path: Path) -> None:
    shutil.copytree(repo, tmp_path / "old" / "x86_64")
    copied = copy_repodata(tmp_path / "old", "x86_64", tmp_path / "target")
    assert {path.name for path in copied} == {path.name for path in (repo / "repodata").iterdir()}


def test_solver(repo: Path, tmp_path: Path, packages: dict[str, bytes]) -> None:
    run = Run(tmp_path, repo)
    assert run.chosen({"group": "build"}) == ["one-1"]
    (row,) = run({"requires": ["two"]})["install"]
    assert row["checksum"] == ["sha256", hashlib.sha256(packages["two"]).hexdigest()]


either = pytest.mark.parametrize(
    ("made", "tools"),
    READ,
    ids=["-".join(map(name_of, (*made, tools))) for made, tools in READ],
    indirect=["made"],
)


@either
def test_origins(repo: Path, tools: Path, tmp_path: Path, packages: dict[str, bytes]) -> None:
    merged = tmp_path / "merged"
    subprocess.run(merge(tools, repo, merged), check=True, capture_output=True)
    verify_repodata(merged / "repodata")
    metadata = RepoMetadata.parse((merged / "repodata" / "repomd.xml").read_bytes(), "the merged")
    with web(merged) as url, open_session() as http:
        found = origin_urls(http, settings_for(url), metadata)
    assert found == {f"{name}-1-1.noarch": f"file://{repo}/" for name in packages}


def merge(tools: Path, repo: Path, output: Path) -> list[str | Path]:
    return [tools / "mergerepo_c", "--koji", "-a", "noarch", "-o", output, "-r", f"file://{repo}/"]


@pytest.mark.skipif(can(OLD, "zstd"), reason="this machine's own createrepo_c reads zstd")
def test_what_tools_that_are_too_old_say(repos: dict[Made, Path], tmp_path: Path) -> None:
    """Their status says nothing: they go on without the packages of a repo that they cannot read."""
    argv = merge(OLD, repos[NEW, "zstd"], tmp_path / "merged")
    done = subprocess.run(argv, capture_output=True, check=True)
    assert NOT_LOADED.search(done.stdout + done.stderr)


@either
def test_recycling(repo: Path, tools: Path, tmp_path: Path, packages: dict[str, bytes]) -> None:
    again = tmp_path / "again"
    again.mkdir()
    for package in repo.glob("*.rpm"):
        shutil.copy2(package, again)
    shutil.copy2(repo.parent / "comps.xml", tmp_path)
    assert recycle_repodata(repo / "repodata", again / "repodata")
    create(tools, again, "--update", "--skip-stat")
    assert package_count(verify_repodata(again / "repodata")) == len(packages)
