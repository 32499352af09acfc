"""Tar streams for tests, honest and other."""

import io
import tarfile
from collections.abc import Iterable, Mapping


def member(
    name: str,
    kind: bytes = tarfile.REGTYPE,
    *,
    link: str = "",
    mode: int = 0o644,
    pax: Mapping[str, str] | None = None,
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    info.pax_headers = dict(pax or {})
    return info


def tar_of(
    *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes], style: int = tarfile.GNU_FORMAT
) -> io.BytesIO:
    """An archive of these members, each with its content; it says what it is told to."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=style, errors="surrogateescape") as tar:
        for each in members:
            info, data = each if isinstance(each, tuple) else (each, b"")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    content.seek(0)
    return content


def raw_header(
    name: bytes, kind: bytes = b"0", *, size: bytes = b"00000000000\0", link: bytes = b""
) -> bytes:
    """A header that no writer makes, with a checksum that is right."""
    before = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + b"00000000000\0"
    after = kind + link.ljust(100, b"\0") + b"ustar\x0000"
    header = (before + b" " * 8 + after).ljust(512, b"\0")
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def records(*pairs: tuple[bytes, bytes]) -> bytes:
    """A pax header before a member, of records as they are."""
    data = b"".join(record(key, value) for key, value in pairs)
    return raw_header(b"pax", b"x", size=b"%011o\0" % len(data)) + padded(data)


def record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


END = bytes(1024)


def pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))
