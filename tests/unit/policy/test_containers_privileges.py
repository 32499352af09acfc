"""What build tags may ask for."""

import json
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.policy.containers import PRIVILEGES_KEY, build_privileges

NAME = "user_namespaces"


def privileges(
    tmp_path: Path, asked: object, *, allowed: frozenset[str] = frozenset({NAME})
) -> frozenset[str]:
    config = Config(
        server="http://h/hub",
        topurls=("http://h/files",),
        state_dir=tmp_path,
        allowed_build_privileges=allowed,
    )
    return build_privileges(config, tag_name="dist-build", tag_extra={PRIVILEGES_KEY: asked})


@pytest.mark.parametrize("asked", [[NAME], json.dumps([NAME])])
def test_asked_for_and_allowed(tmp_path: Path, asked: object) -> None:
    assert privileges(tmp_path, asked) == {NAME}


@pytest.mark.parametrize("asked", [None, [], "[]"])
def test_none_is_asked_for(tmp_path: Path, asked: object) -> None:
    assert privileges(tmp_path, asked) == frozenset()


def test_not_allowed(tmp_path: Path) -> None:
    with pytest.raises(
        BuildrootFailed, match=r"user_namespaces, which this builder does not allow; add it to allowed"
    ):
        privileges(tmp_path, [NAME], allowed=frozenset())


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (["root"], "'root' is none of user_namespaces: .*root"),
        (NAME, "not JSON.*: user_namespaces"),
        ({NAME: True}, "not a JSON list: .*user_namespaces.*true"),
        ([[NAME]], "is none of"),
        ('{"a": ', r'not JSON .*: \{"a": '),
    ],
)
def test_malformed(tmp_path: Path, asked: object, problem: str) -> None:
    with pytest.raises(
        BuildrootFailed, match=f"adjutant.build_privileges of tag dist-build cannot be used.*{problem}"
    ):
        privileges(tmp_path, asked)
