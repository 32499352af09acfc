"""Output of attach and exec, as the engine multiplexes it: frames of an 8-byte header and their data.

A header is the stream (1 or 2), three zero bytes, and the length of the data, big-endian. The splitter takes
pieces of any size and keeps at most one incomplete header: data is passed on as it comes, a write for many frames.
"""

import struct
from collections.abc import Iterator

from koji_adjutant.container.interface import Stream
from koji_adjutant.errors import EngineError

HEADER = struct.Struct(">B3xL")
STREAMS: dict[int, Stream] = {0: "stdout", 1: "stdout", 2: "stderr"}


class FrameSplitter:
    """Turns pieces of the raw stream into (stream, data)."""

    def __init__(self) -> None:
        self._header = b""
        self._left = 0
        self._stream: Stream = "stdout"

    def feed(self, piece: bytes) -> Iterator[tuple[Stream, bytes]]:
        """What `piece` completes; frames of one stream that follow each other are one. EngineError for no frame."""
        at = 0
        run: list[bytes] = []
        of: Stream = self._stream
        while at < len(piece):
            if self._left:
                if run and of != self._stream:
                    yield of, b"".join(run)
                    run = []
                of = self._stream
                run.append(piece[at : at + self._left])
                at += len(run[-1])
                self._left -= len(run[-1])
            else:
                taken = piece[at : at + HEADER.size - len(self._header)]
                at += len(taken)
                self._header += taken
                if len(self._header) == HEADER.size:
                    self._begin()
        if run:
            yield of, b"".join(run)

    @property
    def complete(self) -> bool:
        """Whether the stream may end here."""
        return not self._left and not self._header

    def _begin(self) -> None:
        number, self._left = HEADER.unpack(self._header)
        if number not in STREAMS or self._header[1:4] != b"\0\0\0":
            raise EngineError(
                f"the engine's output stream has a frame header that is none: {self._header!r}",
                hint="a proxy between us and the podman socket, or a podman older than 4.3, would explain it",
            )
        self._stream = STREAMS[number]
        self._header = b""
