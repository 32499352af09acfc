"""The output of a checkout: a line that says what was checked out, then all of it as an archive.

The archive is unpacked while it comes, in a thread that lives as long as the sink's context. What cannot be unpacked
ends the command that sends it: the error is raised where the output is read.
"""

import os
import threading
from pathlib import Path
from typing import BinaryIO, Self

from koji_adjutant.container.interface import LogSink, Stream
from koji_adjutant.errors import AdjutantError, BuildFailed
from koji_adjutant.host.unpack import UnpackLimits, unpack

LINE_LIMIT = 4096
"""Bytes that the line may have."""


class TreeSink:
    """Takes what the script says: its log on standard error, `said` and the archive on standard output."""

    def __init__(self, target: Path, log: LogSink, limits: UnpackLimits) -> None:
        """The archive is unpacked into `target`, which is there and empty."""
        self.said = ""
        self._target = target
        self._limits = limits
        self._log = log
        self._line = b""
        self._has_line = False
        self._error: AdjutantError | OSError | None = None
        reader, self._writer = os.pipe()
        self._reader: BinaryIO = os.fdopen(reader, "rb")
        self._thread = threading.Thread(target=self._unpack, name="checkout", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_raised: object) -> None:
        os.close(self._writer)
        self._thread.join()
        if kind is None and self._error is not None and self.said.startswith("head "):
            raise self._error

    def write(self, stream: Stream, data: bytes) -> None:
        """Take one piece of either."""
        if stream == "stderr":
            self._log.write(stream, data)
            return
        if not self._has_line:
            self._line += data
            line, end, data = self._line.partition(b"\n")
            if len(line) > LINE_LIMIT:
                raise BuildFailed("the checkout says nothing that can be understood")
            self._has_line = bool(end)
            if not end:
                return
            self.said = line.decode(errors="replace")
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._writer, view) :]
        except BrokenPipeError:
            self._thread.join()
            raise self._error or BuildFailed("the checkout goes on after its end") from None

    def _unpack(self) -> None:
        with self._reader:
            try:
                unpack(self._reader, self._target, self._limits)
            except (AdjutantError, OSError) as error:
                self._error = error
