"""A daemon that is measured: without what measuring its coverage takes."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from koji_adjutant.testbed.engine.service import Engine
from tests.hubs import Hub
from tests.integration.daemon.kojid_process import Kojid
from tests.summary import show_at_the_end

ACCESS = "koji.adjutant.testbed.hub.access"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What is written here is shown at the end."""
    lines: list[str] = []
    yield lines
    for line in lines:
        show_at_the_end(request.config, f"load: {line}")


@dataclass(kw_only=True)
class Requests(logging.Handler):
    """What the hub's log says of requests: when, and which session's."""

    seen: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    __hash__ = logging.Handler.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((time.monotonic(), record.getMessage()))

    def since(self, when: float, what: str = "") -> list[float]:
        return [seen for seen, text in self.seen if seen >= when and what in text]


@pytest.fixture
def requests_seen() -> Iterator[Requests]:
    logger, handler = logging.getLogger(ACCESS), Requests()
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


class UsualKojid(Kojid):
    """Polls as often as it does where the file does not say how often."""

    def write_config(self, **options: str) -> Path:
        file = super().write_config(**options)
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith("sleeptime")))
        return file


@pytest.fixture
def usual_kojid(kojid: Kojid) -> Kojid:
    return UsualKojid(hub=kojid.hub, directory=kojid.directory, socket=kojid.socket, is_measured=True)


@pytest.fixture
def kojid(hub: Hub, engine: Engine, tmp_path: Path) -> Kojid:
    return Kojid(hub=hub, directory=tmp_path, socket=engine.socket, is_measured=True)
