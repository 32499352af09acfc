"""Files of repodata as createrepo_c writes them: read by their records, and written piece by piece."""

import gzip
import hashlib
import re
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.etree import ElementTree as ET

NAMESPACE = "http://linux.duke.edu/metadata"
TIME = 1_700_000_000
_REPO = f"{{{NAMESPACE}/repo}}"
_BLOCK = 1 << 20
_COUNT = re.compile(r' packages="\d+"')


@dataclass(frozen=True, kw_only=True)
class Record:
    """An entry of repomd.xml; the open ones are empty for a file that is not compressed."""

    kind: str
    path: Path
    checksum: str
    size: int
    open_checksum: str = ""
    open_size: int = 0

    def __str__(self) -> str:
        opened = self.open_checksum and (
            f'    <open-checksum type="sha256">{self.open_checksum}</open-checksum>\n'
            f"    <open-size>{self.open_size}</open-size>\n"
        )
        return (
            f'  <data type="{self.kind}">\n    <checksum type="sha256">{self.checksum}</checksum>\n{opened}'
            f'    <location href="repodata/{self.path.name}"/>\n    <timestamp>{TIME}</timestamp>\n'
            f"    <size>{self.size}</size>\n  </data>\n"
        )


def write_repomd(repodata: Path, records: Iterable[Record], revision: int = TIME) -> None:
    """repomd.xml for files that lie beside it."""
    (repodata / "repomd.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<repomd xmlns="{NAMESPACE}/repo" xmlns:rpm="{NAMESPACE}/rpm">\n'
        f"  <revision>{revision}</revision>\n{''.join(map(str, records))}</repomd>\n"
    )


def read_records(repodata: Path) -> list[Record]:
    """The records of a repomd.xml, in its order."""
    # Written by createrepo_c, or by us.
    root = ET.parse(repodata / "repomd.xml").getroot()  # noqa: S314
    return [_record(data, repodata) for data in root.iter(f"{_REPO}data")]


def _record(data: ET.Element, repodata: Path) -> Record:
    location = data.find(f"{_REPO}location")
    assert location is not None
    return Record(
        kind=data.attrib["type"],
        path=repodata / Path(location.attrib["href"]).name,
        checksum=data.findtext(f"{_REPO}checksum", ""),
        size=int(data.findtext(f"{_REPO}size", "0")),
        open_checksum=data.findtext(f"{_REPO}open-checksum", ""),
        open_size=int(data.findtext(f"{_REPO}open-size", "0")),
    )


def read_files(repo: Path) -> dict[str, Path]:
    """The files of the repository at `repo` by kind of record."""
    return {record.kind: record.path for record in read_records(repo / "repodata")}


def packages_of(text: str) -> list[str]:
    """The elements of primary, filelists or other, one a package."""
    start, end = text.find("<package "), text.rfind("</package>\n")
    if start < 0:
        return []
    return [f"{piece}</package>\n" for piece in text[start:end].split("</package>\n")]


def with_count(head: str, count: int) -> str:
    """The beginning of primary, filelists or other, for so many packages."""
    return _COUNT.sub(f' packages="{count}"', head, count=1)


def digest_of(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size (bytes) of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def plain_record(kind: str, path: Path) -> Record:
    """The record of a file that is there as it is."""
    checksum, size = digest_of(path)
    return Record(kind=kind, path=path, checksum=checksum, size=size)


class CompressedFile:
    """A file of metadata that is being written; a thread of its own compresses while the next piece is made.

    It is whole, under the name that has its checksum, and has its record when the context ends.
    """

    record: Record

    def __init__(self, directory: Path, kind: str, name: str) -> None:
        self._kind, self._name, self._directory = kind, name, directory
        self._opened, self._size = hashlib.sha256(), 0
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        self._stream = (self._directory / self._name).open("wb")
        self._gzip = gzip.GzipFile("", "wb", 6, self._stream, mtime=TIME)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        self._gzip.close()
        self._stream.close()
        if kind is None:
            self._settle()
            self._name_by_checksum()

    def add(self, text: str) -> None:
        """Append; one piece at most is under way."""
        self._settle()
        self._last = self._pool.submit(self._write, text.encode())

    def _write(self, data: bytes) -> None:
        self._opened.update(data)
        self._size += len(data)
        self._gzip.write(data)

    def _settle(self) -> None:
        if self._last is not None:
            self._last.result()

    def _name_by_checksum(self) -> None:
        written = self._directory / self._name
        checksum, size = digest_of(written)
        self.record = Record(
            kind=self._kind,
            path=written.rename(self._directory / f"{checksum}-{self._name}"),
            checksum=checksum,
            size=size,
            open_checksum=self._opened.hexdigest(),
            open_size=self._size,
        )
