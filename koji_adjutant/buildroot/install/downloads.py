"""Files from the repo's servers, verified while they come.

Each is written to a partial file of its own, under a lock that other tasks of the host respect, and gets its final
name at once and only when its checksum is the expected one: what is under a final name was whole. A partial file
that a killed task left is written anew by the next who wants it.
"""

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator, MutableMapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO

import requests
from requests.utils import should_bypass_proxies
from urllib3.exceptions import HTTPError

from koji_adjutant.errors import BuildrootFailed, Problem
from koji_adjutant.host import https
from koji_adjutant.journal.requests import MADE

BLOCK = 1 << 18
CONNECTIONS = 4
ATTEMPTS = 5
PAUSE = 0.25
"""Seconds before the second attempt; doubled for each further one."""
STOP_SECONDS = 2.0
"""How long the other downloads are waited for when one has failed: each notices with its next piece."""
LIMIT = 32 << 30


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file that is wanted at `target`. `title` is what messages call it; `size` in bytes, 0 when it is unknown."""

    title: str
    urls: tuple[str, ...]
    checksum_kind: str
    checksum: str
    size: int
    target: Path
    verify: bool = False
    """A file that is there already is looked at, not trusted."""


class DownloadFailed(BuildrootFailed):
    """A file cannot be fetched, or is not what the repo's metadata says."""

    def __init__(self, download: Download, problem: str, *, hint: str = "", differs: bool = False) -> None:
        super().__init__(f"{download.title}: {problem}", hint=hint)
        self.download = download
        self.differs = differs
        """The server has another file under this name."""


class _Again(requests.RequestException):
    """A download that failed, and may succeed in a moment."""


def checksum_of(kind: str) -> "hashlib._Hash":
    """A checksum by the name that repo metadata has for it."""
    return hashlib.new("sha1" if kind == "sha" else kind, usedforsecurity=False)


def open_session() -> requests.Session:
    """A session for files of repos, which are what they are: nothing is unpacked on the way."""
    session = https.open_session()
    session.headers["Accept-Encoding"] = "identity"
    return session


@contextmanager
def locked(path: Path, *, exclusive: bool = True) -> Iterator[IO[bytes]]:
    """Hold the lock file `path`, which others may remove while they hold it."""
    while True:
        with path.open("a+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
            if is_at(path, handle):
                yield handle
                return


@contextmanager
def locked_at_once(path: Path, *, exclusive: bool = True) -> Iterator[bool]:
    """Whether the lock file `path` could be had without waiting for anybody; it is held while this lasts."""
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield is_at(path, handle)


def is_at(path: Path, handle: IO[bytes]) -> bool:
    """Whether `path` is still the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle.fileno()))
    except FileNotFoundError:
        return False


class Downloads:
    """Brings many files at once. `partial` is a directory on the file system of the targets."""

    def __init__(
        self, partial: Path, proxies: MutableMapping[str, str] | None = None, *, pause: float = PAUSE
    ) -> None:
        self._partial = partial
        self._proxies = proxies
        self._pause = pause
        self._stop = threading.Event()
        self._sessions: list[requests.Session] = []
        self._own = threading.local()

    def fetch(self, downloads: Sequence[Download]) -> None:
        """Fetch all of `downloads`; DownloadFailed for the first that failed."""
        self._partial.mkdir(parents=True, exist_ok=True)
        executor = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="download", initializer=self._connect)
        try:
            futures = [executor.submit(self._fetch_one, download) for download in downloads]
            ended, others = wait(futures, return_when=FIRST_EXCEPTION)
            failures = [error for future in ended if (error := future.exception()) is not None]
            if failures:
                self._stop.set()
                wait(others, STOP_SECONDS)
                raise failures[0]
        finally:
            # A read that hangs must not keep a task from ending.
            self._stop.set()
            executor.shutdown(wait=False, cancel_futures=True)
            for session in self._sessions:
                session.close()

    def _connect(self) -> None:
        self._own.session = open_session()
        self._sessions.append(self._own.session)

    def _fetch_one(self, download: Download) -> None:
        if self._stop.is_set():
            return
        partial = self._partial / download.checksum
        with locked(partial) as file:
            if is_there(download):
                partial.unlink()
                MADE.downloaded("cache", download.size)
                return
            try:
                self._attempt(self._own.session, download, file)
                file.flush()
                MADE.downloaded("network", file.tell())
                move(partial, download.target)
            except BaseException:
                if is_at(partial, file):
                    partial.unlink()
                raise

    def _attempt(self, http: requests.Session, download: Download, file: IO[bytes]) -> None:
        pause = self._pause
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._from_any(http, download, file)
            except _Again as error:
                if attempt == ATTEMPTS or self._stop.wait(pause):
                    raise DownloadFailed(
                        download,
                        f"cannot be fetched: {error}",
                        hint="check topurl, the external repos, and their servers",
                    ) from error
                pause *= 2
            else:
                return

    def _from_any(self, http: requests.Session, download: Download, file: IO[bytes]) -> None:
        problems, differs, again = [], False, False
        for url in download.urls:
            try:
                problem = self._from_url(http, url, download, file)
            except (requests.RequestException, HTTPError) as error:
                problem, again = Problem(str(error)), True
            else:
                if problem is None:
                    return
                differs = differs or "checksum" in problem.what
            problems.append(f"{url}: {problem}")
        text = "; ".join(problems)
        if again:
            raise _Again(text)
        if differs:
            raise DownloadFailed(
                download,
                text,
                differs=True,
                hint="the file on the server and the repo's metadata differ: regenerate the repo, "
                "or look at the proxy",
            )
        raise DownloadFailed(
            download, text, hint="the file is in the repo's metadata: regenerate the repo if it is gone"
        )

    def _from_url(
        self, http: requests.Session, url: str, download: Download, file: IO[bytes]
    ) -> Problem | None:
        """What is wrong with the file at `url`; None when it is in `file` now."""
        file.seek(0)
        file.truncate()
        digest, taken, limit = checksum_of(download.checksum_kind), 0, download.size or LIMIT
        proxies = None if should_bypass_proxies(url, None) else self._proxies
        with http.get(url, timeout=https.TIMEOUT, proxies=proxies, stream=True) as answer:
            if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _Again(f"{answer.status_code} {answer.reason}")
            if not answer.ok:
                return Problem(f"{answer.status_code} {answer.reason}")
            announced = int(answer.headers.get("Content-Length") or 0)
            while taken <= limit and (block := answer.raw.read(BLOCK, decode_content=False)):
                if self._stop.is_set():
                    raise _Again("stopped")
                taken += len(block)
                digest.update(block)
                file.write(block)
        if taken < announced:
            raise _Again(f"ended after {taken} of {announced} bytes")
        if digest.hexdigest() == download.checksum:
            return None
        expected = f"the repo says {download.checksum_kind} {download.checksum}"
        return Problem(
            f"{taken} bytes of checksum {digest.hexdigest()}, {expected} and {download.size or 'any'} bytes"
        )


def move(source: Path, target: Path) -> None:
    """Give a file its final name. The directory may be removed, because it is empty, until the file is in it."""
    for _ in range(ATTEMPTS):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.rename(target)
        except FileNotFoundError:
            continue
        return
    raise BuildrootFailed(f"{target} cannot be written: its directory is removed again and again")


def is_there(download: Download) -> bool:
    """Whether the target is there already and, if it has to be, verified. It counts as used now."""
    target = download.target
    try:
        if download.size and target.stat().st_size != download.size:
            return False
        os.utime(target)
        if download.verify and file_checksum(target, download.checksum_kind) != download.checksum:
            target.unlink()
            return False
    except FileNotFoundError:
        return False
    return True


def file_checksum(path: Path, kind: str) -> str:
    """The checksum of a file."""
    digest = checksum_of(kind)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
