"""All functions of the hub are there, whoever has imported what."""

import subprocess
import sys

from koji_adjutant.testbed.hub.methods import EXPOSED, MODULES

LIST = "from koji_adjutant.testbed.hub.methods import EXPOSED; print(*sorted(EXPOSED))"


def test_one_import_is_enough() -> None:
    """Here tests have imported more than a hub does; a new interpreter has not."""
    done = subprocess.run([sys.executable, "-c", LIST], capture_output=True, text=True, check=True)
    assert done.stdout.split() == sorted(EXPOSED)


def test_every_module_that_is_named_exposes_something() -> None:
    known = {function.__module__ for function in EXPOSED.values()}
    names = {module.__name__ for module in MODULES} - {"koji_adjutant.testbed.hub.content_methods"}
    assert names <= known
