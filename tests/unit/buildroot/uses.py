"""Uses of a root, for records of usage."""

from typing import Any

from koji_adjutant.buildroot.images.usage import RootUse


def root_use(**changes: Any) -> RootUse:
    """A use of the build group for repo 1 of dist-build, with `changes`."""
    known: dict[str, Any] = {
        "kind": "base",
        "tag_name": "dist-build",
        "tag_id": 7,
        "repo_id": 1,
        "arch": "x86_64",
        "group": "build",
        "task_image": "sha256:tools",
        "packages": 149,
    }
    return RootUse(**{**known, **changes})
