"""The unmodified `koji` command line as the administrator of the hub under test. A process a command."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.hub_fixtures import HubUnderTest

KOJI = Path(sys.executable).with_name("koji")


@dataclass(frozen=True, kw_only=True)
class KojiClient:
    hub: HubUnderTest
    directory: Path

    def __call__(self, *arguments: str) -> str:
        """What the command prints. It must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        user, password = self.hub.admin
        argv = [str(KOJI), "-c", str(self._configuration()), "--user", user, "--password", password]
        return subprocess.run(
            [*argv, *arguments],
            capture_output=True,
            text=True,
            cwd=self.directory,
            env={"HOME": str(self.directory), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            timeout=60,
            check=False,
        )

    def task(self, *arguments: str) -> int:
        """The id of the task that the command made."""
        found = re.search(r"Created task:? (\d+)", self(*arguments))
        assert found is not None
        return int(found[1])

    def _configuration(self) -> Path:
        file = self.directory / "koji.conf"
        topurl = self.hub.url.removesuffix("/kojihub") + "/kojifiles"
        file.write_text(
            f"[koji]\nserver = {self.hub.url}\ntopurl = {topurl}\ntopdir = {self.hub.topdir}\n"
            "authtype = password\npoll_interval = 1\n",
            encoding="utf-8",
        )
        return file
