"""`koji-adjutant config check`: what a daemon would make of a configuration, its plugins and mock's site defaults.

Exit code 0 when all is as the file wants it, 1 when a daemon starts and refuses what a plugin may govern, 2 when it
does not start. Plugins are loaded, as the daemon loads them: only so is it known whether they can be.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from koji_adjutant.cli import documents
from koji_adjutant.cli.scm_check import scm_report
from koji_adjutant.config import DEFAULT_FILE, Config, load_config, package_manager, site_defaults
from koji_adjutant.handlers.registry import task_methods

PLUGINS_MISSING = 1


def add_action(actions: Any) -> None:
    """The parser of `config check`."""
    made = actions.add_parser("check", help="read a configuration as the daemon would, and load its plugins")
    made.add_argument("-c", "--config", metavar="FILE", type=Path, default=DEFAULT_FILE)
    made.add_argument(
        "--site-defaults",
        metavar="FILE",
        type=Path,
        help=f"say what becomes of mock's site configuration (default: {site_defaults.DEFAULT_FILE}, if present)",
    )
    made.set_defaults(run=check)


def check(given: argparse.Namespace) -> int:
    """Say what the configuration means."""
    config = load_config(given.config)
    outages = task_methods(config, None).outages.found
    verdict = (
        "good" if not outages else f"{len(outages)} of {len(set(config.plugin))} plugins cannot be loaded"
    )
    sys.stdout.write(f"{given.config}: {verdict}\n")
    sys.stdout.write("".join(f"{said}\n" for said in (*outages, *config.notices)))
    sys.stdout.write(documents.summary(config))
    sys.stdout.write(scm_report(config))
    sys.stdout.write(_site_defaults(given.site_defaults, config))
    return PLUGINS_MISSING if outages else 0


def _site_defaults(file: Path | None, config: Config) -> str:
    """What becomes of mock's site configuration; it need not be there unless it was named."""
    chosen = file or site_defaults.DEFAULT_FILE
    if file is None and not chosen.exists():
        return ""
    package_manager.read_package_managers(chosen)
    findings = site_defaults.read_site_defaults(chosen, config)
    return "".join(f"{line}\n" for line in (f"{chosen}: {len(findings)} settings", *findings))
