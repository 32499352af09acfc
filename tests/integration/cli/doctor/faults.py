"""Faults of a build host for `koji-adjutant doctor`: each is seeded for real, and knows nothing of who finds it.

A fault lasts as long as its block. It says by which check it is to be found, and how bad that is; which pain of
operators it stands for, where it is one of the collected ones.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.cli.commands import main
from tests.integration.configured import changed
from tests.integration.running import Testbed

WARNING, FAILURE = "warning", "failure"


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What faults are seeded in: the testbed, a directory, and the environment of the next run."""

    testbed: Testbed
    directory: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    @property
    def conf(self) -> Path:
        """The configuration that doctor is given; the testbed's own, where no fault has changed it."""
        own = self.directory / "kojid.conf"
        return own if own.exists() else self.testbed.layout.kojid_conf

    def configure(self, *, adjutant: Mapping[str, object] | None = None, **kojid: object) -> Path:
        """The testbed's configuration with other options, in a file of the fault's own."""
        own = self.directory / "kojid.conf"
        sections = {"kojid": _texts(kojid), "adjutant": _texts(adjutant or {})}
        own.touch(mode=0o600)
        own.write_text(changed(self.testbed.layout.kojid_conf.read_text(), sections))
        return own

    def without_daemon(self, *, adjutant: Mapping[str, object] | None = None, **kojid: object) -> Path:
        """The same, for a daemon that has never run."""
        return self.configure(adjutant={"state_dir": self.directory / "state", **(adjutant or {})}, **kojid)

    def examine(self, *checks: str) -> Mapping[str, Mapping[str, Any]]:
        """What doctor says, by check; of all of them where none is named."""
        self.capsys.readouterr()
        main(["doctor", "--json", "--config", str(self.conf), *checks])
        found = json.loads(self.capsys.readouterr().out)
        return {one["id"]: one for one in found["checks"]}


def _texts(options: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}


Seed = Callable[[Ground], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A fault, who finds it, and words that an operator needs to see."""

    name: str
    seed: Seed
    check: str
    status: str
    says: str
    pain: int = 0
    """Its number in the collected pains of operators; 0: of nobody yet."""

    def __str__(self) -> str:
        return self.name


@dataclass
class Table:
    """The faults of a test file."""

    faults: list[Fault] = field(default_factory=list)

    def fault(
        self, name: str, *, check: str, status: str, says: str, pain: int = 0
    ) -> Callable[[Callable[[Ground], Iterator[None]]], None]:
        """Add what a generator seeds, until it goes on."""

        def add(seed: Callable[[Ground], Iterator[None]]) -> None:
            made = Fault(
                name=name, seed=contextmanager(seed), check=check, status=status, says=says, pain=pain
            )
            self.faults.append(made)

        return add

    def configured(
        self,
        name: str,
        *,
        check: str,
        status: str,
        says: str,
        pain: int = 0,
        adjutant: Mapping[str, object] | None = None,
        **kojid: object,
    ) -> None:
        """Add one that is an option of kojid.conf."""

        @contextmanager
        def seed(ground: Ground) -> Iterator[None]:
            ground.configure(adjutant=adjutant, **kojid)
            yield

        self.faults.append(Fault(name=name, seed=seed, check=check, status=status, says=says, pain=pain))


def assert_found(ground: Ground, fault: Fault) -> None:
    """Doctor finds it, says what an operator needs, and what to do; and no more when it is gone."""
    with fault.seed(ground):
        found = ground.examine(fault.check)[fault.check]
    assert (found["status"], found["hint"] != "") == (fault.status, True), found
    assert fault.says in found["text"], found
