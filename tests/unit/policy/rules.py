"""Policies of a tag, and the image that they choose."""

from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.policy.resolver import PolicyResolver

TAG_ARCH = {"type": "tag_arch", "tag": "dist-build", "arch": "x86_64", "image": "r/tag-arch:1"}


TAG = {"type": "tag", "tag": "dist-build", "image": "r/tag:1"}


TASK = {"type": "task_type", "task_type": "buildArch", "image": "r/task:1"}


DEFAULT = {"type": "default", "image": "r/default:1"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://hub/kojihub",
        topurls=("http://hub/kojifiles",),
        state_dir=tmp_path,
        task_image_default="own:1",
    )


def policy(*rules: object, version: str = "1.0") -> dict[str, Any]:
    return {"adjutant_image_policy": {"version": version, "rules": list(rules)}}


def chosen(config: Config, extra: dict[str, Any], *, arch: str = "x86_64", method: str = "buildArch") -> str:
    resolver = PolicyResolver(config)
    return resolver.image_for(tag_name="dist-build", tag_extra=extra, arch=arch, method=method).reference
