"""The status server's own process over a state directory, and a browser before it; both end with their context.

The browser is Debian's Chromium. It has a profile of its own that is removed, and asks nobody but the server.
"""

import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.waiting import eventually

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@contextmanager
def status_server(state_dir: Path, own_dir: Path) -> Iterator[str]:
    """A server on a port of its own; its address, without a slash at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("koji-adjutant")
    argv = [
        str(program),
        "status-server",
        f"--state-dir={state_dir}",
        f"--own-dir={own_dir}",
        f"--bind=127.0.0.1:{port}",
    ]
    log = own_dir.parent / "status-server.log"
    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=output) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            eventually(lambda: process.poll() is not None or answers(address), "the server answers")
            assert process.poll() is None, log.read_text()
            yield address
        finally:
            process.terminate()


def answers(address: str) -> bool:
    """Whether a server is there."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that nobody sees."""
    with (
        tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home,
        sync_playwright() as driver,
    ):
        environment: dict[str, str | float | bool] = {
            "HOME": home,
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
        }
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), env=environment)
        try:
            yield browser
        finally:
            browser.close()
