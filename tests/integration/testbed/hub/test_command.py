"""The hub as a process of its own: `python -m koji_adjutant.testbed.hub`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import koji
import requests

if TYPE_CHECKING:
    from pathlib import Path


def test_in_the_foreground_until_sigterm(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    host = {"password": "pw", "arches": ["x86_64"]}
    accounts.write_text(json.dumps({"admins": {"boss": "word"}, "hosts": {"b1": host}}))
    argv = [sys.executable, "-m", "koji_adjutant.testbed.hub", f"--dir={tmp_path / 'hub'}"]
    argv += [f"--accounts={accounts}", "--serve-files=127.0.0.2", "--run-interval=0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        files, url = process.stdout.readline().split()[1], process.stdout.readline().strip()
        assert requests.get(f"{files}/work/", timeout=20).ok
        session: Any = koji.ClientSession(url, {"user": "boss", "password": "word"})
        session.login()
        assert [row["name"] for row in session.listHosts()] == ["b1"]
        session._forget()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=20) == 0
