"""Other options for the testbed's daemon, as long as a block lasts."""

import configparser
import io
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from koji_adjutant.testbed import services
from koji_adjutant.testbed.builder import DAEMON
from koji_adjutant.testbed.content import HOST
from tests.integration.running import Testbed
from tests.waiting import eventually

PATIENCE = 60.0


@contextmanager
def configured(testbed: Testbed, *, section: str = "adjutant", **options: str) -> Iterator[None]:
    """The daemon with these options; it takes them by restarting itself, and again without them."""
    with configured_sections(testbed, {section: options}):
        yield


@contextmanager
def configured_sections(testbed: Testbed, sections: Mapping[str, Mapping[str, str]]) -> Iterator[None]:
    """The same, of more than one section."""
    conf = testbed.layout.kojid_conf
    before = conf.read_text()
    try:
        conf.write_text(changed(before, sections))
        _restart(testbed)
        yield
    finally:
        conf.write_text(before)
        _restart(testbed)


class _Options(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        """As it is written: there are some in capitals."""
        return optionstr


def changed(text: str, sections: Mapping[str, Mapping[str, str]]) -> str:
    """A configuration with other options."""
    parser = _Options(delimiters=("=",))
    parser.read_string(text)
    parser.read_dict(sections)
    written = io.StringIO()
    parser.write(written)
    return written.getvalue()


def _restart(testbed: Testbed) -> None:
    daemon = services.recorded(testbed.layout.record(DAEMON))
    assert daemon
    log = testbed.layout.logs / f"{DAEMON}.stderr"
    seen = log.stat().st_size
    os.kill(daemon.pid, signal.SIGUSR1)
    host = testbed.session.getHost(HOST)["id"]
    began = time.time()
    eventually(
        lambda: (
            testbed.session.getLastHostUpdate(host, ts=True) >= began and b"Starting up" in _since(log, seen)
        ),
        "the daemon comes back",
        seconds=PATIENCE,
    )


def _since(log: Path, offset: int) -> bytes:
    with log.open("rb") as stream:
        stream.seek(offset)
        return stream.read()
