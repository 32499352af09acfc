"""Solutions that were found before, kept on the host for all tasks.

A key says everything that a solution depends on, so a kept one never becomes wrong, only useless. Files appear
under their final name at once; one that cannot be read is treated as none.
"""

import hashlib
import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

from koji_adjutant.buildroot.package_store import Solution, SolvedPackage
from koji_adjutant.files import replace_json

logger = logging.getLogger("koji.adjutant.solutions")

FORMAT = 1
"""Changes with the text of the files, and with what the solver does."""


def solution_key(*parts: object) -> str:
    """The key of what `parts` say."""
    return hashlib.sha256(json.dumps([FORMAT, *parts]).encode()).hexdigest()


class SolutionCache:
    """Solutions below the cache directory."""

    def __init__(self, cache_dir: Path) -> None:
        self.directory = cache_dir / "solutions"

    def get(self, key: str) -> Solution | None:
        """The solution kept under `key`; it counts as used now."""
        path = self._path(key)
        try:
            data = json.loads(path.read_bytes())
            found = Solution(
                install=tuple(SolvedPackage(**row) for row in data["install"]),
                remove=frozenset(data["remove"]),
            )
            if data["format"] != FORMAT or data["key"] != key:
                return None
            os.utime(path)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            logger.warning("the kept solution %s is unusable: %s", path, error)
            return None
        return found

    def put(self, key: str, solution: Solution) -> None:
        """Keep `solution`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        rows = [asdict(package) for package in solution.install]
        content = {"format": FORMAT, "key": key, "install": rows, "remove": sorted(solution.remove)}
        replace_json(self._path(key), content)

    def _path(self, key: str) -> Path:
        return self.directory / f"{key}.json"
