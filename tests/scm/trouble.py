"""Answers of a git server that never end: references, what it says of itself, an object."""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping

REFS = "application/x-git-upload-pack-advertisement"
PACK = "application/x-git-upload-pack-result"
COMMIT = "11" * 20
BLOB = 3
OBJECTS = 1000
"""How many objects a pack says that it has: so many that git keeps the pack as it comes."""
HUGE = 1 << 46
"""How many bytes an object says that it has."""


def pkt_line(content: bytes) -> bytes:
    """A line of git's protocol."""
    return f"{len(content) + 4:04x}".encode() + content


def one_ref() -> Iterator[bytes]:
    """References of a server with one branch, in the first version of the protocol."""
    head = COMMIT.encode() + b" HEAD\0side-band-64k ofs-delta no-progress symref=HEAD:refs/heads/main\n"
    lines = (head, COMMIT.encode() + b" refs/heads/main\n")
    yield pkt_line(b"# service=git-upload-pack\n") + b"0000" + b"".join(map(pkt_line, lines)) + b"0000"


def endless_refs() -> Iterator[bytes]:
    """References that go on and on."""
    yield pkt_line(b"# service=git-upload-pack\n") + b"0000" + pkt_line(COMMIT.encode() + b" HEAD\0\n")
    number = 0
    while True:
        names = range(number, number + 500)
        yield b"".join(pkt_line(f"{COMMIT} refs/heads/{name:012}\n".encode()) for name in names)
        number += 500


def endless_words() -> Iterator[bytes]:
    """What a server says beside its objects: it ends up in the log."""
    yield pkt_line(b"NAK\n")
    line = pkt_line(b"\2" + b"counting, and counting more; " * 30 + b"\n")
    while True:
        yield line * 64


def endless_object() -> Iterator[bytes]:
    """A pack whose first object has more bytes than any disk."""
    size, first = HUGE >> 4, (BLOB << 4) | (HUGE & 15) | 0x80
    header = bytearray([first])
    while size >= 128:
        header.append((size & 127) | 0x80)
        size >>= 7
    header.append(size)
    deflated = zlib.compressobj(0)
    yield pkt_line(b"NAK\n")
    yield pkt_line(b"\1" + b"PACK" + struct.pack(">II", 2, OBJECTS) + bytes(header))
    while True:
        content = deflated.compress(bytes(60_000))
        if content:
            yield b"".join(
                pkt_line(b"\1" + content[at : at + 60_000]) for at in range(0, len(content), 60_000)
            )


ENDLESS: Mapping[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "GET refs": (REFS, endless_refs),
    "GET words": (REFS, one_ref),
    "POST words": (PACK, endless_words),
    "GET object": (REFS, one_ref),
    "POST object": (PACK, endless_object),
}
"""By method and kind of trouble: type of the content, and what there is of it."""
