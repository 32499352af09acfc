"""What the tests of a build container's adapter share: settings, and a task's context, journal and logs in memory."""

import dataclasses
from pathlib import Path
from typing import Any, cast

from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.journal.phases import EventName
from koji_adjutant.task_adapters.base import TaskContext

SETTINGS = BuildrootSettings(
    tag_id=2,
    tag_name="dist-build",
    repo_id=7,
    event_id=1,
    arch="x86_64",
    target_arch="x86_64",
    group="build",
    baseurls=("http://127.0.0.1/repo",),
    macros={"%_buildhost": "builder.example", "%dist": ".x1"},
    environment={"PATH": "/usr/bin", "HOME": "/builddir"},
)


class Events:
    """A journal that remembers."""

    def __init__(self) -> None:
        self.phases: list[tuple[EventName, Any]] = []

    def record(
        self, name: EventName, /, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        self.phases.append((name, details.get("command")))


class LogTexts:
    """TaskLogs that remembers text by log."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def sink(self, name: str) -> "_Sink":
        return _Sink(self.texts, name)

    def heading(self, text: str) -> None:
        self.texts["heading"] = text


@dataclasses.dataclass
class _Sink:
    texts: dict[str, str]
    name: str

    def write(self, stream: str, data: bytes) -> None:
        self.texts[self.name] = self.texts.get(self.name, "") + data.decode()

    def line(self, text: str) -> None:
        self.write("stdout", f"{text}\n".encode())


def quiet_context(directory: Path) -> TaskContext:
    """A task without a hub, whose journal remembers."""
    config = Config(server="http://127.0.0.1/kojihub", topurls=("http://127.0.0.1/x",), state_dir=directory)
    return TaskContext(
        task_id=5,
        parameters={},
        session=cast("Any", None),
        workdir=directory,
        config=config,
        worker="w",
        journal=Events(),
    )
