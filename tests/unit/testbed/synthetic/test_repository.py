"""Made-up packages around a real repository: the same every time, whole, and as large as asked."""

import gzip
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from koji_adjutant.testbed.synthetic.packages import identity, package, vocabulary
from koji_adjutant.testbed.synthetic.repodata import digest_of, read_files, read_records
from koji_adjutant.testbed.synthetic.repository import SyntheticRepo, enlarge, make_synthetic

SMALL = SyntheticRepo(packages=1000)
COMMON = "{http://linux.duke.edu/metadata/common}"
COMPS = "<comps><group><id>build</id><name>build</name></group></comps>"
SPEC = (
    "Name: real\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n%description\n%files\n"
)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of one package, with origins as a tag's."""
    top = tmp_path_factory.mktemp("real")
    (top / "real.spec").write_text(SPEC)
    (top / "comps.xml").write_text(COMPS)
    (top / "origins").write_text("real-1-1.noarch\thttp://packages/\n")
    repo = top / "repo"
    defines = [f"_topdir {top}", f"_rpmdir {repo}/Packages", "_rpmfilename %%{NAME}.rpm"]
    words = [word for define in defines for word in ("--define", define)]
    run("rpmbuild", "-bb", *words, str(top / "real.spec"))
    run("createrepo_c", "--quiet", "-g", str(top / "comps.xml"), str(repo))
    run("modifyrepo_c", "--compress-type=gz", "--mdtype=origin", str(top / "origins"), str(repo / "repodata"))
    return repo


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def names(repo: Path) -> set[str]:
    """NEVRAs without epoch in primary."""
    root = ET.fromstring(gzip.decompress(read_files(repo)["primary"].read_bytes()))
    assert int(root.attrib["packages"]) == len(root)
    return {nvra(element) for element in root}


def nvra(element: ET.Element) -> str:
    version = dict(next(element.iter(f"{COMMON}version")).attrib)
    name, arch = (element.findtext(f"{COMMON}{key}") for key in ("name", "arch"))
    return f"{name}-{version['ver']}-{version['rel']}.{arch}"


def test_the_real_packages_and_so_many_more(real: Path, tmp_path: Path) -> None:
    made = make_synthetic(tmp_path, real, SMALL)
    found = names(made)
    assert len(found) == SMALL.packages + 1
    assert "real-1-1.noarch" in found
    assert (made / "Packages" / "real.rpm").exists()
    assert read_files(made)["group"].read_text() == COMPS


def test_every_record_is_true(real: Path, tmp_path: Path) -> None:
    records = read_records(make_synthetic(tmp_path, real, SMALL) / "repodata")
    assert [record.kind for record in records] == ["primary", "filelists", "other", "group"]
    for record in records:
        assert digest_of(record.path) == (record.checksum, record.size)
        if record.open_checksum:
            opened = tmp_path / record.kind
            opened.write_bytes(gzip.decompress(record.path.read_bytes()))
            assert digest_of(opened) == (record.open_checksum, record.open_size)


def test_another_program_reads_it(real: Path, tmp_path: Path) -> None:
    made = make_synthetic(tmp_path, real, SMALL)
    run(
        "mergerepo_c",
        "--koji",
        "--all",
        "-a",
        "x86_64",
        "-o",
        str(tmp_path / "merged"),
        "-r",
        f"file://{made}",
    )
    assert names(tmp_path / "merged") == names(made)


def test_the_same_every_time(real: Path, tmp_path: Path) -> None:
    first, second = (make_synthetic(tmp_path / name, real, SMALL) for name in ("one", "two"))
    assert (first / "repodata/repomd.xml").read_bytes() == (second / "repodata/repomd.xml").read_bytes()


def test_it_is_made_once(real: Path, tmp_path: Path) -> None:
    first = make_synthetic(tmp_path, real, SMALL)
    before = (first / "repodata/repomd.xml").stat()
    assert make_synthetic(tmp_path, real, SMALL) == first
    assert (first / "repodata/repomd.xml").stat() == before


@pytest.mark.parametrize("generation", [0, 1, 57])
def test_each_generation_changes_a_hundredth(generation: int) -> None:
    words = vocabulary(1, 1000)
    one, other = (
        {identity(words, number, generation + more).nvra for number in range(1000)} for more in (0, 1)
    )
    assert len(one - other) == len(other - one) == 10


def test_a_package_that_did_not_change_says_the_same() -> None:
    words = vocabulary(1, 1000)
    assert package(words, 5, 0) == package(words, 5, 1)
    assert package(words, 99, 0) != package(words, 99, 1)


def test_another_seed_is_another_distribution() -> None:
    assert identity(vocabulary(1, 10), 3) != identity(vocabulary(2, 10), 3)


def test_no_capability_of_a_real_package() -> None:
    """So that no installation of real packages takes a made-up one."""
    words = vocabulary(1, 200)
    for number in range(200):
        own = identity(words, number)
        element = ET.fromstring(f'<metadata xmlns:rpm="rpm">{package(words, number).primary}</metadata>')
        provided = {entry.attrib["name"] for entry in element.findall(".//{rpm}provides/{rpm}entry")}
        assert provided == {own.name, f"{own.name}(x86-64)", f"libsynthetic{number}.so.1()(64bit)"}


def test_a_repo_of_a_tag_is_enlarged(real: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    run("cp", "-r", str(real), str(repo))
    enlarge(repo, tmp_path / "cache", SMALL)
    origins = gzip.decompress(read_files(repo)["origin"].read_bytes()).decode().splitlines()
    assert {line.partition("\t")[0] for line in origins} == names(repo)
    assert {line.partition("\t")[2] for line in origins} == {"http://packages/"}
    assert sorted(path.name for path in repo.iterdir()) == ["Packages", "repodata"]
    made = {record.kind: record.checksum for record in read_records(repo / "repodata")}
    shared = read_records(make_synthetic(tmp_path / "cache", real, SMALL) / "repodata")
    assert {record.kind: record.checksum for record in shared}.items() <= made.items()
