"""A browser before the status server: Debian's Chromium, which asks nobody but the server and ends with its context.

Its profile is its own, and is removed.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

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
