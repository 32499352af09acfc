"""What a repo is to be made of."""

from typing import Any

import pytest

from koji_adjutant.errors import TaskFailed
from koji_adjutant.task_adapters.repodata.repo_plan import (
    external_urls,
    merge_mode,
)


def test_external_repos_of_an_arch() -> None:
    repos: list[dict[str, Any]] = [
        {"url": "http://a/$arch/", "arches": None},
        {"url": "http://b/", "arches": "aarch64 s390x"},
        {"url": "http://c/", "arches": "x86_64"},
    ]
    assert external_urls(repos, "x86_64") == ("http://a/x86_64/", "http://c/")


def test_one_merge_mode() -> None:
    assert merge_mode([{"merge_mode": "bare"}, {"merge_mode": "bare"}]) == "bare"
    assert merge_mode([{}]) == "koji"
    with pytest.raises(TaskFailed, match="multiple merge modes for external repos: bare, koji"):
        merge_mode([{"merge_mode": "bare"}, {"merge_mode": "koji"}])
