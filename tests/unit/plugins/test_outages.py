"""Plugins that are loaded from files, and what those that are not take out."""

import sys
from pathlib import Path

import pytest

from tests.unit.plugins.plugin_files import BROKEN, BUILT_IN, ON, TASK, loaded, registered


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (BROKEN, "ModuleNotFoundError in line 4: No module named 'there_is_no_such_module'"),
        ("from __main__ import BuildRoot\n", "ImportError in line 4: cannot import name 'BuildRoot'"),
        ("1 / 0\n", "ZeroDivisionError in line 4: division by zero"),
        ("raise SystemExit(3)\n", "SystemExit in line 4: 3"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt in line 4"),
        ("class Odd(BaseTaskHandler):\n    Methods = None\n", "TypeError: 'NoneType' object is not iterable"),
        ("def odd(): pass\nodd.callbacks = ['noSuchCallback']\n", 'PluginError: "noSuchCallback" is not'),
    ],
)
def test_a_plugin_takes_out_its_own_methods(directory: Path, trouble: str, said: str) -> None:
    """Those that it has registered before it failed, too."""
    methods = loaded(directory, bad=TASK.format(methods=["own", "rebuildSRPM"]) + trouble)
    (outage,) = methods.outages.found
    assert said in outage.problem.what
    assert outage.plugin == "bad"
    assert "own" in outage.methods
    assert methods.served.keys() == BUILT_IN - set(outage.methods)
    assert "rebuildSRPM" not in methods.served
    assert "plugin bad is not loaded on this host: " in str(methods.outages.refusal("own"))
    assert methods.outages.refusal("build") is None
    assert "_koji_plugin__bad" not in sys.modules


def test_a_plugin_with_a_callback_takes_out_what_fires_it(directory: Path) -> None:
    methods = loaded(directory, policy=ON.format(names="'postCreateRepo'") + BROKEN)
    (outage,) = methods.outages.found
    assert outage.methods == ("createrepo",)
    assert outage.gaps == ()
    assert registered("postCreateRepo") == []
    assert methods.outages.refusal("unheard") is None


def test_a_callback_of_the_hub_takes_out_nothing(directory: Path) -> None:
    methods = loaded(directory, hubs=ON.format(names="'preImport'") + BROKEN)
    assert methods.served.keys() == BUILT_IN
    assert "Refused until it is: no method of this host" in str(methods.outages.found[0])


@pytest.mark.parametrize("text", [None, "def f(:\n"])
def test_a_plugin_that_cannot_be_read_takes_out_whatever_fires_a_callback(
    directory: Path, text: str | None
) -> None:
    methods = loaded(directory, "bad", **({} if text is None else {"bad": text}))
    (outage,) = methods.outages.found
    assert outage.methods == ("buildSRPMFromSCM", "createrepo")
    assert outage.gaps
    assert methods.served.keys() == BUILT_IN - {"buildSRPMFromSCM", "createrepo"}
    # It may be the plugin's.
    assert "plugin bad is not loaded" in str(methods.outages.refusal("unheard"))


def test_every_method_that_a_broken_text_names_is_out(directory: Path) -> None:
    methods = loaded(directory, bad="class A(:\n    Methods = ['tagBuild']\n")
    assert methods.outages.methods == {"buildSRPMFromSCM", "createrepo", "tagBuild"}


def test_a_plugin_whose_task_fires_a_callback_is_checked_too(directory: Path) -> None:
    good = (
        TASK.format(methods=["checksOut"])
        + "    def handler(self):\n        self.run_callbacks('postSCMCheckout')\n"
    )
    bad = ON.format(names="'postSCMCheckout'") + BROKEN
    assert loaded(directory, good=good, bad=bad).outages.methods == {"buildSRPMFromSCM", "checksOut"}
