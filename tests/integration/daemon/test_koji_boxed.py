"""A worker of koji-box: its variables, its paths' names, its flags, a keytab, and an authority of the site's own."""

import os
import ssl
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Any

import koji

from koji_adjutant.host.https import CA_VARIABLES
from koji_adjutant.testbed.hub.server import EmbeddedHub
from tests.hubs import ADMIN, ADMIN_PASSWORD
from tests.integration.daemon.kojid_process import PROGRAM, ROOT
from tests.kdc import REALM, kdc
from tests.unit.hub.tls_hub import Authority
from tests.waiting import PATIENCE, eventually

WORKER = "worker/koji-worker-1"
BUILDER_ARGS = "--force-lock --verbose"
TEMPLATE = Template(
    """\
[kojid]
maxjobs=${BUILDER_MAX_JOBS}
topdir=${KOJI_TOP_DIR}
mockuser=koji
server=${KOJI_HUB_URL}
topurl=${KOJI_TOP_URL}
use_createrepo_c=True
smtphost=example.com
from_addr=Koji Build System <buildsys@example.com>
krb_principal = ${KOJID_PRINC}
keytab = ${KOJID_KEYTAB}
ccache = ${CCACHE}
"""
)


def test_it_logs_in_with_its_keytab_and_works(tmp_path: Path) -> None:
    authority = Authority.made(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.signed("hub", extension="subjectAltName=IP:127.0.0.1"))
    with kdc(tmp_path / "kdc") as realm:
        service = realm.keytab("HTTP/127.0.0.1")
        own = realm.keytab(WORKER)
        with EmbeddedHub(tmp_path / "hub", tls=context, keytab=service) as hub:
            hub.bootstrap(ADMIN, ADMIN_PASSWORD)
            principal = f"{WORKER}@{REALM}"
            hub.accounts.add_host(WORKER, "unused-7", arches=("x86_64",), principal=principal)
            variables = {
                "BUILDER_MAX_JOBS": "10",
                "KOJI_TOP_DIR": str(hub.topdir),
                "KOJI_HUB_URL": hub.url,
                "KOJI_TOP_URL": hub.topurl,
                "KOJID_PRINC": principal,
                "KOJID_KEYTAB": str(own),
                # Of a container of its own there; tickets of another realm would be found in the default one.
                "CCACHE": str(tmp_path / "ccache"),
            }
            conf = tmp_path / "kojid.conf"
            conf.write_text(TEMPLATE.substitute(variables))
            environment = {key: value for key, value in os.environ.items() if key not in CA_VARIABLES} | {
                **realm.environment,
                # Where the system has the site's authority.
                "SSL_CERT_FILE": str(authority.certificate),
                "PYTHONPATH": str(ROOT),
                "KOJI_ADJUTANT_STATE_DIR": str(tmp_path / "state"),
                "KOJI_ADJUTANT_LOG_FILE": "",
            }
            log = tmp_path / "log"
            argv = [sys.executable, "-c", PROGRAM, f"--config={conf}", "--fg", *BUILDER_ARGS.split()]
            with (
                log.open("wb") as output,
                subprocess.Popen(argv, stdout=output, stderr=output, env=environment) as it,
            ):
                try:
                    eventually(
                        lambda: "Starting up" in log.read_text() or it.poll() is not None, "it has logged in"
                    )
                    assert it.poll() is None, log.read_text()
                    host = hub.accounts.add_host(WORKER, "unused-7")
                    admin: Any = koji.ClientSession(
                        hub.url,
                        {"user": ADMIN, "password": ADMIN_PASSWORD, "serverca": str(authority.certificate)},
                    )
                    admin.login()
                    eventually(lambda: admin.getLastHostUpdate(host), "it has reported")
                    admin.logout()
                    # What its health check looks for.
                    assert b"kojid" in Path(f"/proc/{it.pid}/cmdline").read_bytes()
                finally:
                    it.terminate()
                    it.wait(PATIENCE)
