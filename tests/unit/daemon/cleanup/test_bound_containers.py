"""Whether somebody still sits at a shell."""

import os
import subprocess

import pytest

from koji_adjutant.container.labels import PROCESS, ROLE, Role
from koji_adjutant.daemon.cleanup import bound_containers
from koji_adjutant.daemon.cleanup.bound_containers import LONGEST_SECONDS, is_bound, is_over, process_label
from koji_adjutant.host.files import JUMP

NOW = 1_000_000.0


def labels(process: str) -> dict[str, str]:
    return {ROLE: Role.SHELL, PROCESS: process}


def test_one_that_is_there() -> None:
    found = labels(process_label(os.getpid()))
    assert is_bound(found)
    assert not is_over(found, NOW - 60, NOW)


def test_one_whose_process_is_gone() -> None:
    process = subprocess.Popen(["sleep", "60"])
    name = process_label(process.pid)
    assert not is_over(labels(name), NOW, NOW)
    process.kill()
    process.wait()
    assert is_over(labels(name), NOW, NOW)


def test_another_process_of_the_same_number() -> None:
    pid, started, boot, namespace = process_label(os.getpid()).split()
    assert is_over(labels(f"{pid} {int(started) - 1} {boot} {namespace}"), NOW, NOW)


def test_one_of_another_boot() -> None:
    pid, started, _, namespace = process_label(os.getpid()).split()
    assert is_over(labels(f"{pid} {started} another-boot {namespace}"), NOW, NOW)


def test_one_that_cannot_be_looked_for_has_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    name = process_label(os.getpid())
    monkeypatch.setattr(bound_containers, "pid_namespace", lambda: "pid:[1]")
    assert not is_over(labels(name), NOW - LONGEST_SECONDS + 1, NOW)
    assert is_over(labels(name), NOW - LONGEST_SECONDS - JUMP - 1, NOW)


@pytest.mark.parametrize("name", ["", "x", "1 2 3", "x 1 2 3"])
def test_a_label_that_is_none(name: str) -> None:
    assert is_over(labels(name), NOW, NOW)


def test_other_containers_are_no_shells() -> None:
    assert not is_bound({ROLE: Role.BUILD})
