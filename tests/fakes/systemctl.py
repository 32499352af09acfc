"""A systemctl that knows what jobs a test gives it, or fails."""

from pathlib import Path

UNIT = "kojid.service"
STOP = f"  4711 {UNIT} stop running\n"


def write_systemctl(directory: Path, jobs: str | None) -> None:
    """Put it into `directory`, for PATH; without `jobs` it fails."""
    (directory / "jobs").write_text(jobs or "")
    systemctl = directory / "systemctl"
    systemctl.write_text(f"#!/bin/sh\n{'exit 1' if jobs is None else f'cat {directory}/jobs'}\n")
    systemctl.chmod(0o755)
