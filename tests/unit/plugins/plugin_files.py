"""Plugins as files, and a host that has them."""

from pathlib import Path
from typing import Any, cast

import koji.plugin
import pytest

from koji_adjutant.config import Config
from koji_adjutant.handlers.registry import HANDLERS, task_methods
from koji_adjutant.plugins.outages import Methods

BROKEN = "import there_is_no_such_module\n"


TASK = "from koji.tasks import BaseTaskHandler\nclass Task(BaseTaskHandler):\n    Methods = {methods}\n"


ON = "from koji.plugin import callback\n@callback({names})\ndef check(*args, **kwargs): pass\n"


BUILT_IN = frozenset(HANDLERS)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "plugins"
    made.mkdir()
    return made


def loaded(directory: Path, *names: str, **texts: str) -> Methods:
    """The methods of a host with these plugins, in order."""
    for name, text in texts.items():
        (directory / f"{name}.py").write_text(text)
    config = Config(
        server="http://h/kojihub",
        topurls=("http://h/k",),
        plugin=names or tuple(texts),
        pluginpath=str(directory),
    )
    return task_methods(config, None)


CALLBACKS: dict[str, Any] = cast("Any", koji.plugin.callbacks)


def registered(kind: str) -> list[str]:
    return [function.__name__ for function in CALLBACKS[kind]]
