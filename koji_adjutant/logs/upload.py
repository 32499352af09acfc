"""Sends growing files to the hub: one thread a task, one request at a time, at most 1 MiB each.

The hub truncates at the offset it is given and takes late duplicates for new (hub-calls 10), so a file is sent as
consecutive tails, and ends with a comparison of checksums; what differs is sent again from the start. While the hub is
away, files grow on disk and uploads wait; a hub that has a problem of its own is tried again until `finish`. The
thread lives from `start` to `stop`; `finish` does the rest of the work in the caller's thread.
"""

import logging
import math
import os
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from xmlrpc.client import Fault

import koji

from koji_adjutant.errors import TaskCanceled
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.requests import MADE

logger = logging.getLogger("koji.adjutant.logs")

CHUNK = 1 << 20
GATHER = 0.6
"""Seconds between the first new byte and its upload: under the promised second, and few requests."""
ATTEMPTS = 3
PAUSE = 5.0
"""Seconds until the next upload after one that the hub could not take."""
STOP_SECONDS = 0.5
"""How long the end of a task waits for a running upload, which may be waiting for the hub."""


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`: os.write may write less at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@dataclass(kw_only=True)
class LogFile:
    """A log that grows. `size` (bytes) is set by the task's thread, the other fields by the thread that uploads."""

    name: str
    descriptor: int
    size: int = 0
    sent: int = 0
    checksum: int = 1
    verified: int = field(default=0)
    copy: int | None = None
    """Where it is shown, when that is another file."""

    @classmethod
    def create(cls, name: str, path: Path) -> Self:
        """An empty file, open for appending and reading."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return cls(name=name, descriptor=os.open(path, flags, 0o644))

    def append(self, data: bytes) -> None:
        """Write all of `data`."""
        write_all(self.descriptor, data)
        self.size += len(data)
        if self.copy is not None:
            self._append_to_copy(self.copy, data)

    def _append_to_copy(self, copy: int, data: bytes) -> None:
        try:
            write_all(copy, data)
        except OSError as error:
            logger.warning("%s is not shown any further: %s", self.name, error)
            self._close_copy()

    def next_chunk(self, end: int) -> bytes:
        """What has not been sent yet of the first `end` bytes, at most CHUNK bytes of it."""
        return os.pread(self.descriptor, min(CHUNK, end - self.sent), self.sent)

    def close(self) -> None:
        """Close the file; it stays on disk."""
        os.close(self.descriptor)
        self._close_copy()

    def _close_copy(self) -> None:
        if self.copy is not None:
            os.close(self.copy)
            self.copy = None


class LogUploader:
    """Uploads the logs of one task to `path` on the hub. `lost`: the hub has refused, the task is not this host's."""

    def __init__(
        self,
        *,
        session: HubSession,
        path: str,
        on_lost: Callable[[], None] = lambda: None,
        on_first: Callable[[str], None] = lambda _name: None,
        on_sent: Callable[[], None] = lambda: None,
        gather: float = GATHER,
        pause: float = PAUSE,
    ) -> None:
        self.lost = False
        self._session = session
        self._path = path
        self._on_lost = on_lost
        self._on_first = on_first
        self._on_sent = on_sent
        self._gather = gather
        self._pause = pause
        self._files: list[LogFile] = []
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._uploading = threading.Lock()
        self._thread = threading.Thread(target=self._loop, name="log-upload", daemon=True)

    def start(self) -> None:
        """Begin to upload in the background."""
        self._thread.start()

    def add(self, file: LogFile) -> None:
        """Upload `file` from now on."""
        self._files.append(file)

    def notify(self) -> None:
        """Say that a file has grown."""
        self._changed.set()

    def stop(self) -> None:
        """End the thread; what was not sent stays unsent."""
        self._stopped.set()
        self._changed.set()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    def finish(self, *, is_patient: bool) -> None:
        """Send what is left and compare checksums; koji.GenericError when the hub does not end up with the same.

        Who is patient waits for a hub that has no room.
        """
        if is_patient:
            self._session.with_room(f"the logs in {self._path}", self._send_all)
        self._send_all()
        unverified = [file for file in self._files if file.size != file.verified]
        if unverified and not self.lost:
            for file, found in zip(unverified, self._look_at(unverified), strict=True):
                self._verify(file, found)

    def _loop(self) -> None:
        since = math.inf
        while not self._stopped.is_set() and not self.lost:
            self._changed.wait()
            # Of the first that has come: to look at the clock for each piece would be felt.
            since = min(since, time.monotonic())
            self._stopped.wait(self._gather)
            if self._stopped.is_set():
                return
            self._changed.clear()
            try:
                self._send_all()
            except TaskCanceled as error:
                logger.warning("logs of %s: %s", self._path, error)
                self._lose()
            except (koji.GenericError, Fault, OSError) as error:
                # The hub's disk is full, or worse. That is no reason to end the work; finish() reports it.
                logger.warning("logs of %s could not be uploaded: %s", self._path, error)
                self._stopped.wait(self._pause)
                self._changed.set()
            else:
                MADE.log_waited(time.monotonic() - since)
                since = math.inf
                self._on_sent()

    def _send_all(self) -> None:
        """Send what is there now. A file that grows as fast as it is sent has to wait for the next time."""
        with self._uploading:
            for file in tuple(self._files):
                end = file.size
                while file.sent < end and not self.lost and not self._stopped.is_set():
                    self._send_chunk(file, file.next_chunk(end))

    def _send_chunk(self, file: LogFile, data: bytes) -> None:
        for attempt in range(ATTEMPTS):
            try:
                self._session.upload_chunk(self._path, file.name, file.sent, data)
                break
            except koji.LockError:
                # An earlier attempt still holds the file on the hub (hub-calls 10).
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(self._gather)
            except koji.ActionNotAllowed:
                self._lose()
                return
        MADE.log_uploaded(len(data))
        first = file.sent == 0
        file.sent += len(data)
        file.checksum = zlib.adler32(data, file.checksum)
        if first:
            self._on_first(file.name)

    def _lose(self) -> None:
        self.lost = True
        self._on_lost()

    def _look_at(self, files: Sequence[LogFile]) -> list[Any]:
        """What the hub has of each file, in one request."""
        calls: Any
        with self._session.multicall(strict=True) as calls:
            answers = [calls.checkUpload(self._path, file.name, verify="adler32") for file in files]
        return [answer.result for answer in answers]

    def _verify(self, file: LogFile, found: Any) -> None:
        for _ in range(ATTEMPTS):
            expected = f"{file.checksum & 0xFFFFFFFF:08x}"
            if found and int(found["size"]) == file.sent and found.get("hexdigest", "").zfill(8) == expected:
                file.verified = file.size
                return
            logger.warning("%s/%s differs on the hub (%s): sending it again", self._path, file.name, found)
            file.sent, file.checksum = 0, 1
            self._send_all()
            if self.lost:
                return
            (found,) = self._look_at([file])
        raise koji.GenericError(
            f"{self._path}/{file.name} differs on the hub after {ATTEMPTS} uploads; see the hub's disk and its log"
        )
