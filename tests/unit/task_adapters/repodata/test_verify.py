"""Metadata are whole, or the task says what is wrong with them."""

import bz2
import gzip
import hashlib
import lzma
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import rpm

from koji_adjutant.errors import TaskFailed
from koji_adjutant.host.disks import want_of_space
from koji_adjutant.task_adapters.repodata.verify import package_count, pkglist_count, records, verify_repodata


@pytest.fixture
def repodata(tmp_path: Path, packages: dict[str, bytes]) -> Path:
    directory = tmp_path / "repo"
    directory.mkdir()
    for name, content in packages.items():
        (directory / f"{name}.rpm").write_bytes(content)
    subprocess.run(["createrepo_c", "--quiet", directory], check=True)
    return directory / "repodata"


def primary(repodata: Path) -> Path:
    return next(record.path for record in records(repodata) if record.kind == "primary")


def test_whole(repodata: Path) -> None:
    assert package_count(verify_repodata(repodata)) == 3


def test_changed_content(repodata: Path) -> None:
    file = primary(repodata)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(TaskFailed, match=r"primary\.xml\.gz has sha256 \w+, repomd\.xml says \w+"):
        verify_repodata(repodata)


def test_truncated(repodata: Path) -> None:
    file = primary(repodata)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(TaskFailed, match=r"has \d+ bytes, repomd\.xml says \d+") as raised:
        verify_repodata(repodata)
    assert want_of_space(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<repomd>", "repomd.xml cannot be read"),
        (
            '<repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary"/></repomd>',
            "repomd.xml has no location or checksum for primary",
        ),
    ],
)
def test_bad_repomd(repodata: Path, content: str, message: str) -> None:
    (repodata / "repomd.xml").write_text(content)
    with pytest.raises(TaskFailed, match=message) as raised:
        verify_repodata(repodata)
    assert want_of_space(raised.value) is None


@pytest.mark.parametrize("content", ["", "<?xml", "<repomd><data>"[:-1]])
def test_what_a_full_disk_has_cut_off_is_told_from_it(repodata: Path, content: str) -> None:
    (repodata / "repomd.xml").write_text(content)
    with pytest.raises(TaskFailed, match=r"repomd\.xml cannot be read") as raised:
        verify_repodata(repodata)
    assert want_of_space(raised.value)


def test_unknown_checksum(repodata: Path) -> None:
    repomd = repodata / "repomd.xml"
    repomd.write_text(repomd.read_text().replace('type="sha256"', 'type="crc5"'))
    with pytest.raises(TaskFailed, match="checksums of type 'crc5'"):
        verify_repodata(repodata)


def test_no_primary(repodata: Path) -> None:
    others = tuple(record for record in records(repodata) if record.kind != "primary")
    with pytest.raises(TaskFailed, match="names no primary metadata"):
        package_count(others)


def pack_zstd(path: Path, content: bytes) -> None:
    file = rpm.fd(str(path), "w", "zstdio")
    file.write(content)
    file.close()


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        (".zst", pack_zstd),
        (".xz", lambda path, content: path.write_bytes(lzma.compress(content))),
        (".bz2", lambda path, content: path.write_bytes(bz2.compress(content))),
        ("", lambda path, content: path.write_bytes(content)),
    ],
)
def test_other_compressions(repodata: Path, suffix: str, pack: Callable[[Path, bytes], None]) -> None:
    """createrepo_c 1.0 and later compress with zstd."""
    plain = primary(repodata)
    packed = plain.with_suffix(suffix)
    pack(packed, gzip.decompress(plain.read_bytes()))
    repomd = repodata / "repomd.xml"
    content = repomd.read_text().replace(plain.name, packed.name)
    old, new = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (plain, packed))
    content = content.replace(f'"sha256">{old}<', f'"sha256">{new}<')
    before, after = (f"<size>{path.stat().st_size}</size>" for path in (plain, packed))
    repomd.write_text(content.replace(before, after))
    assert package_count(verify_repodata(repodata)) == 3


def test_the_name_does_not_decide(repodata: Path) -> None:
    plain = primary(repodata)
    other = plain.with_suffix(".zst")
    plain.rename(other)
    repomd = repodata / "repomd.xml"
    repomd.write_text(repomd.read_text().replace(plain.name, other.name))
    assert package_count(verify_repodata(repodata)) == 3


def test_unknown_compression(repodata: Path) -> None:
    file = primary(repodata)
    file.write_bytes(b"\x04\x22\x4d\x18 as lz4 begins")
    with pytest.raises(TaskFailed, match="does not say how many packages it has"):
        package_count(records(repodata))


def test_damaged_compression(repodata: Path) -> None:
    file = primary(repodata)
    file.write_bytes(b"\x1f\x8b" + b"\xff" * 40)
    with pytest.raises(TaskFailed, match=r"primary\.xml\.gz cannot be read: .* cannot be expanded"):
        package_count(records(repodata))


def test_pkglist_count(tmp_path: Path) -> None:
    pkglist = tmp_path / "pkglist"
    pkglist.write_text("toplink/a.rpm\n\ntoplink/b.rpm\ntoplink/a.rpm")
    assert pkglist_count(pkglist) == 3
