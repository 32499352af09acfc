"""Which plugins the running daemon goes without: one file of its state directory, replaced at each start.

For who is not the daemon and wants to know: whether a plugin that cannot be loaded now has been until now, and what to
tell an operator. Where there is no file, or none that is understood, the daemon has all its plugins.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from koji_adjutant.host.files import replace_json
from koji_adjutant.plugins.outages import Outages

NAME = "plugins"
VERSION = 1

logger = logging.getLogger("koji.adjutant.plugins")


def keep(state_dir: Path, outages: Outages) -> None:
    """Write down why which plugins are not loaded."""
    content = {
        "version": VERSION,
        "out": {
            outage.plugin: {"problem": str(outage.problem), "methods": outage.methods}
            for outage in outages.found
        },
    }
    try:
        replace_json(state_dir / NAME, content)
    except OSError as error:
        logger.warning("Which plugins are out is not written down: %s", error)


def read(state_dir: Path) -> Mapping[str, str]:
    """The problems of the plugins that the daemon goes without."""
    try:
        content = json.loads((state_dir / NAME).read_text())
        return {name: str(found["problem"]) for name, found in content["out"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
