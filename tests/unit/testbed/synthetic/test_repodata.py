"""Files of repodata: written piece by piece, and read by their records."""

import gzip
import hashlib
from pathlib import Path

from koji_adjutant.testbed.synthetic.repodata import Record, digest_of, read_files, read_records, write_repomd


def record(repodata: Path, kind: str, content: bytes) -> Record:
    file = repodata / f"{kind}.xml.gz"
    file.write_bytes(gzip.compress(content))
    checksum, size = digest_of(file)
    return Record(
        kind=kind,
        path=file,
        checksum=checksum,
        size=size,
        open_checksum=hashlib.sha256(content).hexdigest(),
        open_size=len(content),
    )


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    repodata = tmp_path / "repodata"
    repodata.mkdir()
    written = [record(repodata, "primary", b"<one/>"), record(repodata, "other", b"<two/>")]
    write_repomd(repodata, written)
    assert read_records(repodata) == written
    assert read_files(tmp_path) == {one.kind: one.path for one in written}


def test_a_file_that_is_not_compressed_has_no_open_checksum(tmp_path: Path) -> None:
    plain = tmp_path / "comps.xml"
    plain.write_text("<comps/>")
    checksum, size = digest_of(plain)
    made = Record(kind="group", path=plain, checksum=checksum, size=size)
    assert "open-checksum" not in str(made)
    write_repomd(tmp_path, [made])
    assert read_records(tmp_path) == [made]


def test_a_digest_is_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 3_000_000)
    assert digest_of(file) == (hashlib.sha256(b"x" * 3_000_000).hexdigest(), 3_000_000)
