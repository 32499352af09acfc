"""The unmodified `koji` client as the testbed's administrator.

The client takes a password by option only, and an option can be read by everybody who may list processes. So it
runs in this process, by its own script, with an argument list that no one else sees. It ends by SystemExit.
"""

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import koji

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.layout import Layout

ADMINISTRATOR = "admin"
POLL_INTERVAL = 1


def write_client_conf(layout: Layout, *, server: str, topurl: str, topdir: Path) -> None:
    """The client's configuration: all but the login."""
    layout.client_conf.write_text(
        "[koji]\n"
        f"server = {server}\n"
        f"topurl = {topurl}\n"
        f"topdir = {topdir}\n"
        f"poll_interval = {POLL_INTERVAL}\n"
        "authtype = password\n"
    )


def admin_password(layout: Layout) -> str:
    """ConfigError when there is no testbed in the layout's directory."""
    try:
        return layout.administrator.read_text()
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no testbed in {layout.directory}", hint="koji-adjutant testbed up makes one"
        ) from error


def admin_session(layout: Layout, server: str) -> Any:
    """A session of Koji's own class, logged in."""
    options = {
        "user": ADMINISTRATOR,
        "password": admin_password(layout),
        "max_retries": 3,
        "retry_interval": 1,
    }
    session: Any = koji.ClientSession(server, options)
    session.login()
    return session


def koji_command(layout: Layout, *arguments: str) -> list[str]:
    """A command line that is the client, logged in."""
    return [sys.executable, "-m", "koji_adjutant.testbed", "koji", f"--dir={layout.directory}", *arguments]


def run_koji(layout: Layout, arguments: Sequence[str]) -> None:
    """Be the client. Does not return: the client exits."""
    password = admin_password(layout)
    script = Path(sys.executable).with_name("koji")
    sys.argv = [
        str(script),
        f"--config={layout.client_conf}",
        f"--user={ADMINISTRATOR}",
        f"--password={password}",
        *arguments,
    ]
    runpy.run_path(str(script), run_name="__main__")
