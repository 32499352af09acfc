"""A daemon with plugins that cannot be loaded: it starts, refuses what they may govern, and does the rest."""

from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from tests.integration.daemon.kojid_process import Kojid
from tests.waiting import eventually

GOOD = Path(__file__).with_name("plugins")
BAD = """\
from koji.plugin import callback
from koji.tasks import BaseTaskHandler
from __main__ import BuildRoot

class Own(BaseTaskHandler):
    Methods = ["own", "fork"]

@callback("postCreateRepo")
def check(*args, **kwargs):
    raise AssertionError
"""
REASON = "plugin bad is not loaded on this host: ImportError in line 3: cannot import name 'BuildRoot'"


@pytest.fixture
def options(kojid: Kojid) -> dict[str, str]:
    directory = kojid.directory / "plugins"
    directory.mkdir()
    (directory / "bad.py").write_text(BAD)
    return {"pluginpath": f"{directory}:{GOOD}", "plugin": "bad until"}


def refusals(kojid: Kojid, task: int) -> list[dict[str, object]]:
    return list(
        eventually(lambda: kojid.hub.admin.scheduler.getTaskRefusals([["task_id", task]]), f"{task} refused")
    )


def test_what_a_plugin_may_govern_is_refused_and_the_rest_is_done(
    kojid: Kojid, options: dict[str, str]
) -> None:
    with kojid.running(**options):
        done = kojid.hub.admin.makeTask("until", [str(kojid.directory)])
        kojid.wait_for(done, "CLOSED")
        for method in ("own", "fork", "createrepo"):
            (refusal,) = refusals(kojid, kojid.hub.admin.makeTask(method, []))
            assert refusal["soft"]
            assert str(refusal["msg"]).startswith(REASON)
        (other,) = refusals(kojid, kojid.hub.admin.makeTask("brewCoffee", []))
        assert (other["soft"], other["msg"]) == (False, "no handler for method")
        (host,) = kojid.hub.admin.scheduler.getHostData()
        assert {"until", "build", "sleep"} <= set(host["data"]["methods"])
        assert not {"own", "fork", "createrepo"} & set(host["data"]["methods"])
        task = kojid.hub.admin.makeTask("sleep", [0])
        kojid.wait_for(task, "CLOSED")
    lines = [line for line in kojid.log.read_text().splitlines() if "Plugin bad is not loaded" in line]
    assert len(lines) == 1
    assert "ERROR" in lines[0]
    assert "Refused until it is: createrepo, fork, own" in lines[0]


def test_what_may_be_a_missing_plugins_is_refused_softly(kojid: Kojid) -> None:
    with kojid.running(plugin="until runroot"):
        (refusal,) = refusals(kojid, kojid.hub.admin.makeTask("runroot", []))
        assert refusal["soft"]
        assert str(refusal["msg"]).startswith(
            "plugin runroot is not loaded on this host: there is no runroot.py"
        )
        task = kojid.hub.admin.makeTask("sleep", [0])
        kojid.wait_for(task, "CLOSED")


def test_config_check_names_it(
    kojid: Kojid, options: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", "-c", str(kojid.write_config(**options))]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("kojid.conf: 1 of 2 plugins cannot be loaded")
    assert said[1].startswith("Plugin bad is not loaded: ImportError in line 3")
    assert "Refused until it is: createrepo, fork, own" in said[1]
    assert main(["config", "check", "-c", str(kojid.write_config(plugin="until"))]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("kojid.conf: good")
