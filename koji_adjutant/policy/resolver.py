"""Which image a task's containers are made from.

The build tag decides first (`koji_adjutant.policy.image_rules`), then its `mock.bootstrap_image` where the
builder allows that, then the builder's own default. Pure: it is given the hub's data and asks nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koji_adjutant import names
from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.policy.image_rules import POLICY_KEY, parse_policy

BOOTSTRAP_KEY = "mock.bootstrap_image"


@dataclass(frozen=True, kw_only=True)
class ImageChoice:
    """An image reference, and the words of the rule or setting that chose it."""

    reference: str
    rule_text: str


class PolicyResolver:
    """Chooses images by the builder's configuration and the data of the build tag."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def image_for(
        self, *, tag_name: str, tag_extra: Mapping[str, Any], arch: str, method: str
    ) -> ImageChoice:
        """The image for a task of `method`; BuildrootFailed when the tag's policy cannot be used."""
        chosen = self._by_policy(tag_name, tag_extra, arch, method) or self._by_bootstrap(tag_name, tag_extra)
        if chosen is not None:
            names.parts(chosen.reference, f"image of tag {tag_name}", BuildrootFailed)
            return chosen
        default = self._config.task_image_default
        return ImageChoice(reference=default, rule_text=f"task_image_default = {default}")

    def _by_policy(
        self, tag_name: str, tag_extra: Mapping[str, Any], arch: str, method: str
    ) -> ImageChoice | None:
        policy = tag_extra.get(POLICY_KEY)
        if not self._config.policy_enabled or policy is None:
            return None
        facts = {"tag": tag_name, "arch": arch, "task_type": method}
        for rule in parse_policy(policy, tag_name=tag_name):
            if rule.matches(facts):
                return ImageChoice(reference=rule.image, rule_text=f"{POLICY_KEY} of {tag_name}: {rule.text}")
        return None

    def _by_bootstrap(self, tag_name: str, tag_extra: Mapping[str, Any]) -> ImageChoice | None:
        image = tag_extra.get(BOOTSTRAP_KEY)
        if not image or not self._config.mock_bootstrap_image:
            return None
        if not isinstance(image, str):
            raise BuildrootFailed(
                f"{BOOTSTRAP_KEY} of tag {tag_name} is not an image reference: {image!r}",
                hint=f"correct it with koji edit-tag {tag_name} -x {BOOTSTRAP_KEY}=...",
            )
        return ImageChoice(reference=image, rule_text=f"{BOOTSTRAP_KEY} of {tag_name}: {image}")
