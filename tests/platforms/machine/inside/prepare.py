"""`python -m tests.platforms.machine.inside.prepare RELEASE`: what a machine needs and need not make itself, slowly.

RELEASE is that of the hub's mini distribution. Run in the root that the machine's disk is made of: a hub with content
and a repo, and podman's storage with the task image and a buildroot, made by a testbed that ends again. The machine's
own systemd starts the hub (`koji-hub.service`); nothing of koji-adjutant is installed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from koji_adjutant.buildroot.images.requests import pending_requests
from koji_adjutant.config import load_config
from koji_adjutant.testbed.client import admin_session
from koji_adjutant.testbed.content import BUILD_TAG, TARGET
from koji_adjutant.testbed.description import Description, write_description
from koji_adjutant.testbed.layout import Layout
from koji_adjutant.testbed.lifecycle import Options, bring_down, bring_up
from koji_adjutant.testbed.tasks import new_repo, wait_task
from tests.platforms.machine.inside.places import CACHE, CONF, DIRECTORY, LAYOUT, STORAGE
from tests.waiting import eventually

IMAGE_SECONDS = 180.0
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
OWN_PLACES = re.compile(
    r"^(podman_socket|state_dir|solver_network|log_file|workdir|monitoring_bind) = .*\n",
    re.MULTILINE,
)
"""Where a build host has its own, by default."""
UNITS = Path("/etc/systemd/system")
NOT_AT_BOOT = ("nfs-server.service", "nfs-client.target", "rpcbind.service", "rpcbind.socket")
"""Who wants them starts them."""
HUB = """\
[Unit]
Description=The hub of the testbed
[Service]
ExecStartPre=/usr/sbin/ip address replace {gateway}/32 dev lo
ExecStart={python} -m koji_adjutant.testbed.hub --dir={directory} --port={port} --run-interval=1 \
    --mail-domain=example.com --serve-files={files}
WorkingDirectory={tree}
ExecStartPost=/bin/bash -c 'until : </dev/tcp/{gateway}/{files_port}; do sleep 0.2; done'
TimeoutStartSec=3min
Restart=always
[Install]
WantedBy=multi-user.target
"""


def main(release: str) -> None:
    # Every start of a program of ours would compile it again.
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "koji_adjutant", "tests"], check=True, env=COMPILED
    )
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    shutil.rmtree(STORAGE.parent, ignore_errors=True)
    shutil.rmtree(CACHE, ignore_errors=True)
    description = bring_up(LAYOUT, Options(mail_domain="example.com", release=release), print)
    try:
        _build(LAYOUT, description)
    finally:
        bring_down(LAYOUT, print)
    # Who stops a testbed takes it away.
    write_description(LAYOUT, description)
    _keep_storage(LAYOUT)
    _write_units(description)
    CONF.parent.mkdir(parents=True, exist_ok=True)
    CONF.write_text(OWN_PLACES.sub("", LAYOUT.kojid_conf.read_text()))
    CONF.chmod(0o600)
    shutil.move(LAYOUT.state_dir / "cache", CACHE)


def _build(layout: Layout, description: Description) -> None:
    """A build, so that there are images of buildroots, and packages of a build in the repo."""
    admin = admin_session(layout, description.server)
    name = "cli-build/prepare"
    srpm = Path(description.srpms["hello"])
    upload = Path(description.topdir, "work", name)
    upload.mkdir(parents=True)
    shutil.copy(srpm, upload)
    task = wait_task(admin, admin.build(f"{name}/{srpm.name}", TARGET, {"scratch": True}))
    assert task.state == "CLOSED", task
    new_repo(admin, BUILD_TAG)
    config = load_config(layout.kojid_conf)
    eventually(lambda: not any(pending_requests(config)), "images are made", seconds=IMAGE_SECONDS)
    admin.logout()


def _keep_storage(layout: Layout) -> None:
    """Podman's storage, as any host has it. What podman knows of containers and places is of the testbed's engine."""
    STORAGE.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(layout.engine / "storage", STORAGE)
    for path in (STORAGE / "db.sql", STORAGE / "libpod"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _write_units(description: Description) -> None:
    server = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/kojihub", description.server)
    files = re.fullmatch(r"http://([\d.]+):(\d+)/kojifiles", description.topurl)
    assert server
    assert files
    text = HUB.format(
        python=sys.executable,
        directory=LAYOUT.hub,
        port=server[1],
        gateway=files[1],
        files_port=files[2],
        files=f"{files[1]}:{files[2]}",
        tree=Path.cwd(),
    )
    (UNITS / "koji-hub.service").write_text(text)
    subprocess.run(["systemctl", "enable", "--quiet", "koji-hub.service"], check=True)
    subprocess.run(["systemctl", "disable", "--quiet", *NOT_AT_BOOT], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
