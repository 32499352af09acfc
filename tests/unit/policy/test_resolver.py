"""Which image a task gets."""

import dataclasses

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed
from tests.unit.policy.rules import TAG, chosen, policy


def test_without_policy_the_default_is_taken(config: Config) -> None:
    assert chosen(config, {}) == "own:1"


def test_policy_can_be_switched_off(config: Config) -> None:
    off = dataclasses.replace(config, policy_enabled=False)
    assert chosen(off, {"adjutant_image_policy": "not even JSON"}) == "own:1"


def test_bootstrap_image_needs_leave(config: Config) -> None:
    extra = {"mock.bootstrap_image": "r/bootstrap:1"}
    assert chosen(config, extra) == "own:1"
    assert chosen(dataclasses.replace(config, mock_bootstrap_image="True"), extra) == "r/bootstrap:1"


def test_policy_goes_before_bootstrap_image(config: Config) -> None:
    allowed = dataclasses.replace(config, mock_bootstrap_image="True")
    assert chosen(allowed, {**policy(TAG), "mock.bootstrap_image": "r/bootstrap:1"}) == "r/tag:1"


def test_bootstrap_image_must_be_text(config: Config) -> None:
    allowed = dataclasses.replace(config, mock_bootstrap_image="True")
    with pytest.raises(BuildrootFailed, match=r"mock\.bootstrap_image of tag dist-build"):
        chosen(allowed, {"mock.bootstrap_image": {"x": 1}})
