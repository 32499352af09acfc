"""Metadata of an older repo, laid ready for createrepo_c --update to take over what has not changed.

Only speed depends on it: where the old metadata are not available, all packages are read.
"""

import logging
import re
import shutil
from pathlib import Path

logger = logging.getLogger("koji.adjutant.task_adapters.repodata")

ORIGINS = re.compile(rb'\s*<data type="origin">.*?</data>', re.DOTALL)
ORIGINS_FILE = "*pkgorigins.*"


def recycle_repodata(old: Path, target: Path) -> bool:
    """Copy the metadata in `old` to `target`; whether they are there.

    Where packages came from is left behind: only a merge knows that, and only of the repo it merges.
    """
    try:
        shutil.copytree(old, target)
        for origins in target.glob(ORIGINS_FILE):
            origins.unlink()
        repomd = target / "repomd.xml"
        repomd.write_bytes(ORIGINS.sub(b"", repomd.read_bytes()))
    except (OSError, shutil.Error) as error:
        logger.warning("old repodata %s cannot be recycled: %s", old, error)
        shutil.rmtree(target, ignore_errors=True)
        return False
    return True
