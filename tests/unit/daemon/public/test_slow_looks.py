"""What may hang is asked by a helper."""

import os
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon.public import slow_looks
from koji_adjutant.daemon.public.slow_looks import INTERVAL, SlowFacts, SlowLooks
from koji_adjutant.journal.public import CredentialFacts
from tests.waiting import eventually


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://hub",
        topurls=("http://hub/files",),
        topdir=str(tmp_path),
        user="builder",
        cert=None,
        serverca=None,
    )


def test_what_is_found(config: Config) -> None:
    looks = SlowLooks(config, lambda: None)
    assert looks.found() == SlowFacts()
    (pidfd,) = looks.pidfds()
    assert pidfd
    topdir = eventually(lambda: looks.found().topdir, "it was looked at")
    assert looks.found().credentials == (CredentialFacts(kind="password"),)
    assert topdir is not None
    assert topdir.path == config.topdir
    assert topdir.free_bytes is not None
    assert looks.pidfds() == ()
    looks.close()


def test_a_look_that_hangs_is_not_waited_for(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    reading, writing = os.pipe()
    monkeypatch.setattr(slow_looks, "look", lambda _: os.read(reading, 1))
    looks = SlowLooks(config, lambda: None, clock=lambda: now[0])
    looks.found()
    before = looks.pidfds()
    now[0] += 2 * INTERVAL
    assert looks.found() == SlowFacts()
    assert looks.pidfds() == before, "no second helper"
    looks.close()
    assert looks.pidfds() == ()
    os.close(reading)
    os.close(writing)
