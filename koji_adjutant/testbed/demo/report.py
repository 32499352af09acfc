"""What the testbed's commands print."""

import shlex

from koji_adjutant.testbed import builder, services
from koji_adjutant.testbed.content import BUILD_TAG, TAG, TARGET
from koji_adjutant.testbed.description import Description, read_description
from koji_adjutant.testbed.hub_process import HUB
from koji_adjutant.testbed.layout import Layout


def say(text: str) -> None:
    print(text, flush=True)


def say_how_to_use(layout: Layout) -> None:
    """How to reach each part, and what to export."""
    description = read_description(layout)
    for line in how_to_use(layout, description):
        say(line)


def how_to_use(layout: Layout, description: Description) -> list[str]:
    directory = shlex.quote(str(layout.directory))
    hello = description.srpms.get("hello", "FILE.src.rpm")
    return [
        "",
        f"hub      {description.server}",
        f"files    {description.topurl}   ({description.topdir})",
        f"tags     {TAG}, {BUILD_TAG}; target {TARGET}",
        f"packages {description.external_repo}",
        f"daemon   {layout.kojid_conf}, log {builder.log_of(layout)}, journal {layout.journal}",
        f"status   http://{builder.status_address(layout)}/",
        "",
        "client:",
        f"    koji-adjutant testbed koji --dir {directory} build --wait --scratch {TARGET} {shlex.quote(hello)}",
        "podman:",
        *(f"    export {name}={shlex.quote(value)}" for name, value in sorted(description.engine.items())),
        "    podman ps --all",
        "",
    ]


def say_status(layout: Layout) -> bool:
    """Whether all of it runs."""
    parts = {name: services.recorded(layout.record(name)) for name in (HUB, builder.DAEMON)}
    for name, process in parts.items():
        say(f"{name:<8} {f'runs, pid {process.pid}' if process else 'does not run'}")
    running = all(parts.values())
    if running:
        say_how_to_use(layout)
    return running
