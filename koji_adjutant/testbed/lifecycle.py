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
from koji_adjutant.testbed.distribution.recipe import RELEASE
from koji_adjutant.testbed.engine.rootless import RUNTIME_DIRECTORY
from koji_adjutant.testbed.engine.service import Engine
from koji_adjutant.testbed.hub_process import HUB, RUN_INTERVAL, Addresses, choose_addresses, start_hub
from koji_adjutant.testbed.layout import Layout, new_password, write_secret
from koji_adjutant.testbed.packages_source import PackagesSource, packages_source
from koji_adjutant.testbed.tasks import new_repo
from koji_adjutant.testbed.waiting import IdleBuilderCheck

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
    release: str = RELEASE
    """The codename of the Debian release that the mini distribution is made of."""
    kojid: Mapping[str, str] = field(default_factory=dict)
    adjutant: Mapping[str, str] = field(default_factory=dict)
    run_interval: float = RUN_INTERVAL
    """Seconds between two runs of the hub's scheduler."""
    mail_domain: str = ""
    """Of users' mail addresses; empty: the hub tells nobody of builds. The mail server is `smtphost` of `kojid`."""


def bring_up(layout: Layout, options: Options, say: Say) -> Description:
    """Start everything; it runs on when this returns. Nothing is left running when it fails."""
    began = time.monotonic()

    def lap(text: str) -> None:
        say(f"{time.monotonic() - began:6.1f} s  {text}")

    with layout.locked(), ExitStack() as undo:
        _stop_all(layout, lap)
        undo.callback(_stop_all, layout, lap)
        description = _start_all(layout, options, lap)
        undo.pop_all()
    return description


def bring_down(layout: Layout, say: Say) -> None:
    """Stop daemon, hub and engine, in this order. What does not run is no error."""
    if layout.directory.exists():
        with layout.locked():
            _stop_all(layout, say)


def _stop_all(layout: Layout, say: Say) -> None:
    layout.description.unlink(missing_ok=True)
    for name, grace in ((builder.DAEMON, DAEMON_GRACE), (HUB, services.GRACE)):
        if services.stop(layout.record(name), grace=grace):
            say(f"{name} stopped")
    if Engine(layout.engine).stop():
        say("engine stopped")


def _start_all(layout: Layout, options: Options, say: Say) -> Description:
    engine = Engine(layout.engine)
    engine.start()
    say(f"engine is up: {engine.socket}")
    cache = cache_directory(os.environ, Path.home())
    source = packages_source(
        engine, cache, options.external_repo, options.image, say, release=options.release
    )
    addresses = choose_addresses(layout, engine.gateway)
    host_password = new_password()
    _start_hub(layout, addresses, host_password, options)
    say(f"hub is up: {addresses.server}")
    topdir = layout.hub / "topdir"
    external_repo = source.publish(topdir, addresses.topurl)
    admin = admin_session(layout, addresses.server)
    fill(admin, _content(source, external_repo))
    write_client_conf(layout, server=addresses.server, topurl=addresses.topurl, topdir=topdir)
    host = builder.BuildHost(
        server=addresses.server,
        topurl=addresses.topurl,
        topdir=topdir,
        password=host_password,
        podman_socket=Path(engine.socket),
        task_image=source.task_image,
        solver_network=engine.network,
        kojid=options.kojid,
        adjutant=options.adjutant,
    )
    builder.write_kojid_conf(layout, host)
    daemon = builder.start_daemon(layout)
    _wait_for_check_in(admin, daemon, layout)
    say(f"daemon is up: pid {daemon.pid}")
    say(
        f"repo {new_repo(admin, BUILD_TAG, is_hopeless=IdleBuilderCheck(admin, layout))} of {BUILD_TAG} is ready"
    )
    admin.logout()
    description = Description(
        server=addresses.server,
        topurl=addresses.topurl,
        topdir=str(topdir),
        arch=source.arch,
        task_image=source.task_image,
        external_repo=external_repo,
        srpms={name: str(path) for name, path in source.srpms.items()},
        engine={
            name: value
            for name, value in engine.environment.items()
            if name.startswith("CONTAINERS_") or name == RUNTIME_DIRECTORY
        },
    )
    write_description(layout, description)
    return description


def _start_hub(layout: Layout, addresses: Addresses, host_password: str, options: Options) -> None:
    if not layout.administrator.exists():
        write_secret(layout.administrator, new_password())
    accounts = {
        "admins": {ADMINISTRATOR: admin_password(layout)},
        "hosts": {HOST: {"password": host_password, "capacity": 8.0}},
    }
    start_hub(
        layout,
        addresses,
        accounts,
        run_interval=options.run_interval,
        mail_domain=options.mail_domain,
    )


def _content(source: PackagesSource, external_repo: str) -> Content:
    return Content(
        arch=source.arch,
        external_repo=external_repo,
        packages=tuple(source.srpms),
        groups=source.groups,
    )


def _wait_for_check_in(admin: Any, daemon: services.Service, layout: Layout) -> None:
    log = builder.log_of(layout)
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
