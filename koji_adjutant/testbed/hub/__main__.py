"""`python -m koji_adjutant.testbed.hub --dir DIR`: the hub in the foreground until SIGTERM or SIGINT."""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from koji_adjutant.testbed.hub.options import HubOptions
from koji_adjutant.testbed.hub.server import EmbeddedHub


def main(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    signals = {signal.SIGTERM, signal.SIGINT}
    # Blocked before any thread exists, so that only the wait below gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    options = HubOptions(
        run_interval=arguments.run_interval,
        latency=arguments.latency,
        disable_notifications=not arguments.mail_domain,
        email_domain=arguments.mail_domain,
    )
    with EmbeddedHub(arguments.dir, options, port=arguments.port) as hub:
        if arguments.accounts is not None:
            _make_accounts(hub, json.loads(arguments.accounts.read_text(encoding="utf-8")))
        for address in arguments.serve_files:
            host, _, port = address.partition(":")
            print(f"files {hub.serve_files(host, int(port or 0))}", flush=True)
        print(hub.url, flush=True)
        signal.sigwait(signals)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m koji_adjutant.testbed.hub", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="where database and topdir are")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument(
        "--run-interval", type=float, default=60, help="seconds between two runs of the scheduler"
    )
    parser.add_argument(
        "--mail-domain", metavar="DOMAIN", help="of users' mail addresses; without it nobody is sent mail"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each request waits first")
    parser.add_argument(
        "--accounts",
        type=Path,
        metavar="FILE",
        help='JSON: {"admins": {NAME: PASSWORD}, "hosts": {NAME: {"password": ..., "arches": [...]}}}',
    )
    parser.add_argument(
        "--serve-files", action="append", default=[], metavar="ADDRESS[:PORT]", help="files there as well"
    )
    return parser


def _make_accounts(hub: EmbeddedHub, accounts: dict[str, Any]) -> None:
    for name, password in accounts.get("admins", {}).items():
        hub.bootstrap(name, password)
    for name, host in accounts.get("hosts", {}).items():
        hub.accounts.add_host(name, **host)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
