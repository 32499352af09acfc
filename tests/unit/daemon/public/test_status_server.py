"""The status server as a child: started again, later each time, and ended."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.daemon.public.directory import OF_SERVER
from koji_adjutant.daemon.public.status_server import (
    LONGEST_PAUSE,
    NOBODY,
    SAID,
    Identity,
    StatusServer,
    is_wanted,
    make_own_directory,
)
from koji_adjutant.host import systemd
from tests.waiting import eventually


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def server(tmp_path: Path, code: str, clock: Clock) -> StatusServer:
    argv = (sys.executable, "-c", code)
    nobody_else = Identity(user=None, group=None)
    return StatusServer(argv, tmp_path, nobody_else, at_start=lambda: None, clock=clock)


def wait_until_dead(one: StatusServer) -> None:
    def is_dead() -> bool:
        one.keep_running()
        return one.pid is None

    eventually(is_dead, "it is dead")


def test_it_is_started_again_later_each_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    one = server(tmp_path, "raise SystemExit(2)", clock)
    pauses = []
    for _ in range(9):
        one.keep_running()
        wait_until_dead(one)
        pauses.append(one.patience())
        clock.now += one.patience()
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-1] == LONGEST_PAUSE
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said[0] == "The status server ended with status 2; the next one follows in 1 s"
    assert len(said) < len(pauses)
    one.stop()


def test_one_that_has_lived_had_no_reason_to_die(tmp_path: Path) -> None:
    clock = Clock()
    one = server(tmp_path, "import time; time.sleep(600)", clock)
    for pause in (1.0, 2.0, 1.0):
        one.keep_running()
        first = one.pid
        assert first is not None
        clock.now += 61.0 if pause == 1.0 else 1.0
        os.kill(first, 9)
        wait_until_dead(one)
        assert one.patience() == pause
        clock.now += pause
    one.stop()
    assert one.patience() == float("inf")


def test_it_ends_and_stays_so(tmp_path: Path) -> None:
    one = server(tmp_path, "import time; time.sleep(600)", Clock())
    one.keep_running()
    (pidfd,) = one.pidfds()
    assert pidfd
    one.stop()
    one.keep_running()
    assert (one.pid, one.pidfds()) == (None, ())


def test_there_is_none_where_none_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(server="http://hub", topurls=("http://hub/files",), monitoring_enabled=True)
    for name in (systemd.VARIABLE, systemd.INVOCATION):
        monkeypatch.delenv(name, raising=False)
    assert is_wanted(config)
    monkeypatch.setenv(systemd.INVOCATION, "0" * 32)
    assert not is_wanted(config)
    none = StatusServer((), tmp_path, Identity(user=None, group=None), at_start=lambda: None)
    none.keep_running()
    assert none.pid is None
    assert none.patience() == float("inf")


def test_what_it_says_in_the_background_is_kept(tmp_path: Path) -> None:
    one, usual = server(tmp_path, "raise SystemExit('the port is taken')", Clock()), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        one.keep_running()
    finally:
        os.dup2(usual, 2)
        os.close(usual)
        os.close(nowhere)
    wait_until_dead(one)
    one.stop()
    assert (tmp_path / OF_SERVER / SAID).read_text() == "the port is taken\n"


def test_a_file_that_has_another_name_elsewhere_is_not_given_away(tmp_path: Path) -> None:
    directory, other = tmp_path / "status", tmp_path / "key"
    directory.mkdir()
    other.write_text("secret")
    (directory / "linked").hardlink_to(other)
    (directory / "link").symlink_to(other)
    (directory / "counters.json").write_text("{}")
    make_own_directory(directory, Identity(user=NOBODY, group=NOBODY))
    assert other.stat().st_uid == os.getuid()
    assert (directory / "counters.json").stat().st_uid == NOBODY
    assert directory.stat().st_uid == NOBODY
