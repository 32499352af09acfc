"""The command line of the status server."""

import argparse
from pathlib import Path

DESCRIPTION = (
    "Show the daemon's state and logs over HTTP, read-only: pages for people, JSON for programs, metrics for "
    "Prometheus. Settings come from the daemon, through state_dir; what is given here wins."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--state-dir", type=Path, required=True, help="the daemon's state_dir")
    parser.add_argument(
        "--own-dir", type=Path, required=True, help="a directory of this server's own, for its counters"
    )
    parser.add_argument("--bind", default="", help="HOST:PORT, or unix:/path of a socket")
    parser.add_argument(
        "--token-file", type=Path, help="file (0600) with the token that clients have to send"
    )
