"""Rules of a tag: which decides, and what is none."""

import json

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.policy.resolver import PolicyResolver
from tests.unit.policy.rules import DEFAULT, TAG, TAG_ARCH, TASK, chosen, policy


@pytest.mark.parametrize(
    ("arch", "method", "expected"),
    [
        ("x86_64", "buildArch", "r/tag-arch:1"),
        ("aarch64", "buildArch", "r/tag:1"),
    ],
)
def test_most_specific_rule_decides(config: Config, arch: str, method: str, expected: str) -> None:
    extra = policy(DEFAULT, TASK, TAG, TAG_ARCH)
    assert chosen(config, extra, arch=arch, method=method) == expected


def test_task_type_goes_before_default(config: Config) -> None:
    extra = policy(DEFAULT, TASK)
    assert chosen(config, extra) == "r/task:1"
    assert chosen(config, extra, method="rebuildSRPM") == "r/default:1"


def test_first_of_equal_rules_decides(config: Config) -> None:
    assert chosen(config, policy(TAG, {**TAG, "image": "r/second:1"})) == "r/tag:1"


def test_no_rule_matches(config: Config) -> None:
    assert chosen(config, policy({**TAG, "tag": "other-build"})) == "own:1"


def test_policy_may_be_json_text(config: Config) -> None:
    extra = {"adjutant_image_policy": json.dumps(policy(TAG)["adjutant_image_policy"])}
    assert chosen(config, extra) == "r/tag:1"


def test_choice_names_its_rule(config: Config) -> None:
    choice = PolicyResolver(config).image_for(
        tag_name="dist-build", tag_extra=policy(TAG), arch="x86_64", method="buildArch"
    )
    assert json.dumps(TAG) in choice.rule_text


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("{broken", "{broken"),
        (["a"], '["a"]'),
        (policy(TAG, version="2.0")["adjutant_image_policy"], '"version": "2.0"'),
        ({"version": "1.0"}, '"version": "1.0"'),
        (policy("tag")["adjutant_image_policy"], "tag"),
        (policy({"type": "host", "image": "x"})["adjutant_image_policy"], '"type": "host"'),
        (policy({"type": "tag", "image": "x"})["adjutant_image_policy"], '"type": "tag"'),
        (policy({**TAG, "pull": "always"})["adjutant_image_policy"], '"pull": "always"'),
        (policy({**TAG, "image": ""})["adjutant_image_policy"], '"image": ""'),
        (policy({**DEFAULT, "image": 3}, TAG_ARCH)["adjutant_image_policy"], '"image": 3'),
    ],
)
def test_malformed_policy_is_quoted(config: Config, value: object, quoted: str) -> None:
    with pytest.raises(BuildrootFailed) as caught:
        chosen(config, {"adjutant_image_policy": value})
    assert quoted in str(caught.value)
    assert "dist-build" in str(caught.value)
