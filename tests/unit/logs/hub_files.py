"""A task whose logs go to a hub that keeps them in memory."""

import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from koji_adjutant.config import Config
from koji_adjutant.logs.upload import CHUNK
from koji_adjutant.task_adapters.base import TaskContext
from tests.fakes.multicall import Multicall


class HubFiles:
    """The uploads of a task as the hub keeps them: truncated at each offset."""

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.uploads: list[tuple[str, int, int]] = []
        self.waited_for: list[str] = []
        self.refusal: Exception | None = None
        self.received = threading.Event()
        self.refused = threading.Event()
        self.requests = 0
        self.checks = 0

    def on_upload(self) -> None:
        """For tests to do something while a piece arrives."""

    def with_room(self, what: str, call: Callable[[], None]) -> None:
        self.waited_for.append(what)
        call()

    def multicall(self, *, strict: bool) -> Multicall:
        assert strict
        self.requests += 1
        return Multicall(self)

    def upload_chunk(self, path: str, name: str, offset: int, data: bytes) -> None:
        if self.refusal:
            self.refused.set()
            raise self.refusal
        assert path == "tasks/5/5"
        self.uploads.append((name, offset, len(data)))
        content = self.files.setdefault(name, bytearray())
        content[offset:] = data
        self.on_upload()
        self.received.set()

    def checkUpload(self, path: str, name: str, verify: str) -> dict[str, Any]:  # noqa: N802 - the hub's name
        assert (path, verify) == ("tasks/5/5", "adler32")
        self.checks += 1
        content = bytes(self.files[name])
        return {"size": len(content), "mtime": 0.0, "hexdigest": f"{zlib.adler32(content):08x}"}


@pytest.fixture
def hub() -> HubFiles:
    return HubFiles()


@pytest.fixture
def ctx(tmp_path: Path, hub: HubFiles) -> TaskContext:
    config = Config(
        server="http://127.0.0.1/kojihub",
        topurls=("http://127.0.0.1/kojifiles",),
        topdir=str(tmp_path / "topdir"),
        state_dir=tmp_path / "state",
        log_size_limit=3 * CHUNK,
    )
    return TaskContext(
        task_id=5,
        parameters={},
        session=cast("Any", hub),
        workdir=tmp_path / "work",
        config=config,
        worker="w",
    )
