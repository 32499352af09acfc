"""Bringing a testbed up and down: engine, packages and task image, hub and its content, daemon, first repo.

What `bring_up` has started is stopped again when a later step fails; otherwise it runs until `bring_down`, in
whatever process that is called. Only records below the testbed's directory say what runs.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from koji_adjutant.errors import AdjutantError
from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.client import ADMINISTRATOR, admin_password, admin_session, write_client_conf
from koji_adjutant.testbed.content import BUILD_TAG, HOST, Content, fill
from koji_adjutant.testbed.description import Description, cache_directory, write_description
from koji_adjutant.testbed.engine import Engine
from koji_adjutant.testbed.hub_process import HUB, Addresses, choose_addresses, start_hub
from koji_adjutant.testbed.place import Place, new_password, write_secret
from koji_adjutant.testbed.supply import Supply, supply_for
from koji_adjutant.testbed.tasks import new_repo

Say = Callable[[str], None]

CHECK_IN_SECONDS = 60.0
DAEMON_GRACE = 60.0


class TestbedFailed(AdjutantError):
    """A part of the testbed did not come up."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What may differ from one testbed to another."""

    external_repo: str = ""
    image: str = ""
    kojid: Mapping[str, str] = field(default_factory=dict)
    adjutant: Mapping[str, str] = field(default_factory=dict)


def bring_up(place: Place, options: Options, say: Say) -> Description:
    """Start everything; it runs on when this returns. Nothing is left running when it fails."""
    began = time.monotonic()

    def lap(text: str) -> None:
        say(f"{time.monotonic() - began:6.1f} s  {text}")

    with place.locked(), ExitStack() as undo:
        _stop_all(place, lap)
        undo.callback(_stop_all, place, lap)
        description = _start_all(place, options, lap)
        undo.pop_all()
    return description


def bring_down(place: Place, say: Say) -> None:
    """Stop daemon, hub and engine, in this order. What does not run is no error."""
    if place.directory.exists():
        with place.locked():
            _stop_all(place, say)


def _stop_all(place: Place, say: Say) -> None:
    place.description.unlink(missing_ok=True)
    for name, grace in ((builder.DAEMON, DAEMON_GRACE), (HUB, services.GRACE)):
        if services.stop(place.record(name), grace=grace):
            say(f"{name} stopped")
    if Engine(place.engine).stop():
        say("engine stopped")


def _start_all(place: Place, options: Options, say: Say) -> Description:
    engine = Engine(place.engine)
    engine.start()
    say(f"engine is up: {engine.socket}")
    supply = supply_for(
        engine, cache_directory(os.environ, Path.home()), options.external_repo, options.image, say
    )
    addresses = choose_addresses(place, engine.gateway)
    host_password = new_password()
    _start_hub(place, addresses, host_password)
    say(f"hub is up: {addresses.server}")
    topdir = place.hub / "topdir"
    external_repo = supply.publish(topdir, addresses.topurl)
    admin = admin_session(place, addresses.server)
    fill(admin, _content(supply, external_repo))
    write_client_conf(place, server=addresses.server, topurl=addresses.topurl, topdir=topdir)
    host = builder.BuildHost(
        server=addresses.server,
        topurl=addresses.topurl,
        topdir=topdir,
        password=host_password,
        podman_socket=Path(engine.socket),
        task_image=supply.task_image,
        solver_network=engine.network,
        kojid=options.kojid,
        adjutant=options.adjutant,
    )
    builder.write_kojid_conf(place, host)
    daemon = builder.start_daemon(place)
    _wait_for_check_in(admin, daemon, place)
    say(f"daemon is up: pid {daemon.pid}")
    say(f"repo {new_repo(admin, BUILD_TAG)} of {BUILD_TAG} is ready")
    admin.logout()
    description = Description(
        server=addresses.server,
        topurl=addresses.topurl,
        topdir=str(topdir),
        arch=supply.arch,
        task_image=supply.task_image,
        external_repo=external_repo,
        srpms={name: str(path) for name, path in supply.srpms.items()},
        engine={name: value for name, value in engine.environment.items() if name.startswith("CONTAINERS_")},
    )
    write_description(place, description)
    return description


def _start_hub(place: Place, addresses: Addresses, host_password: str) -> None:
    if not place.administrator.exists():
        write_secret(place.administrator, new_password())
    accounts = {
        "admins": {ADMINISTRATOR: admin_password(place)},
        "hosts": {HOST: {"password": host_password, "capacity": 8.0}},
    }
    start_hub(place, addresses, accounts)


def _content(supply: Supply, external_repo: str) -> Content:
    return Content(
        arch=supply.arch,
        external_repo=external_repo,
        packages=tuple(supply.srpms),
        groups=supply.groups,
    )


def _wait_for_check_in(admin: Any, daemon: services.Service, place: Place) -> None:
    log = place.logs / f"{builder.DAEMON}.stderr"
    host = admin.getHost(HOST)["id"]
    before = time.time()
    deadline = time.monotonic() + CHECK_IN_SECONDS
    while (admin.getLastHostUpdate(host, ts=True) or 0) < before:
        if not daemon.is_running():
            raise TestbedFailed(f"the daemon ended: {services.last_line(log)}", hint=f"see {log}")
        if time.monotonic() > deadline:
            raise TestbedFailed(
                f"the daemon has not reported to the hub in {CHECK_IN_SECONDS:.0f} s", hint=f"see {log}"
            )
        time.sleep(0.05)
