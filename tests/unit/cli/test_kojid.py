"""What the start of a daemon says of its configuration."""

import importlib
import logging
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.config import load_config
from koji_adjutant.daemon.tasks.state import StateDirectory

kojid = importlib.import_module("koji_adjutant.cli.kojid")
"""The module: in its room the name is that of the command."""
OLD = """\
[kojid]
server = https://hub/kojihub
topurl = https://hub/kojifiles
[adjutant]
limits_buildArch = cpus=2
state_dir = {}
"""


def test_old_names_are_said_in_the_log(
    tmp_path: Path, mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(OLD.format(tmp_path / "state"))
    config = load_config(file, environment={})
    config.state_dir.mkdir()
    mocker.patch.object(kojid, "make_services")
    daemon = mocker.patch.object(kojid, "Daemon")
    session: Any = None
    with caplog.at_level(logging.WARNING), ExitStack() as stack:
        made = kojid.assemble(stack, config, session, StateDirectory(config.state_dir))
    assert made is daemon.return_value
    assert caplog.messages == [
        f"{file}: option limits_buildarch = 'cpus=2': is an old name; write buildArch.cpus=2 into limits"
    ]
