"""The image policy that a build tag carries in its extra data: what it may say, and which rule decides.

    {"version": "1.0", "rules": [{"type": "tag_arch", "tag": TAG, "arch": ARCH, "image": REFERENCE}, ...]}

The most specific rule that matches decides (tag_arch, tag, task_type, default), among equals the first.
Pure; a policy that cannot be understood is a BuildrootFailed that quotes the rule, whether or not the rule
would match.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from koji_adjutant.errors import BuildrootFailed

POLICY_KEY = "adjutant_image_policy"
VERSION = "1.0"
MATCH_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"tag_arch": ("tag", "arch"), "tag": ("tag",), "task_type": ("task_type",), "default": ()}
)
"""What each type of rule compares; the order is the order of precedence."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule; `text` is the rule as the tag has it, for messages."""

    kind: str
    match: Mapping[str, str]
    image: str
    text: str

    def matches(self, facts: Mapping[str, str]) -> bool:
        """Whether everything that the rule compares is as it says."""
        return all(facts[key] == value for key, value in self.match.items())


def parse_policy(policy: object, *, tag_name: str) -> tuple[Rule, ...]:
    """The rules of a policy, a dict or its JSON text, in the order of precedence."""
    content = _decoded(policy, tag_name) if isinstance(policy, str) else policy
    if not isinstance(content, Mapping):
        raise _malformed(tag_name, policy, "it is not a JSON object")
    version = content.get("version")
    if version != VERSION:
        raise _malformed(tag_name, policy, f"its version is {version!r}, not {VERSION!r}")
    rules = content.get("rules")
    if not isinstance(rules, list):
        raise _malformed(tag_name, policy, "it has no list of rules")
    parsed = [_parse_rule(rule, tag_name) for rule in rules]
    order = tuple(MATCH_KEYS)
    return tuple(sorted(parsed, key=lambda rule: order.index(rule.kind)))


def _decoded(text: str, tag_name: str) -> object:
    try:
        found: object = json.loads(text)
    except ValueError as error:
        raise _malformed(tag_name, text, f"it is not JSON ({error})") from error
    return found


def _parse_rule(rule: object, tag_name: str) -> Rule:
    if not isinstance(rule, Mapping):
        raise _malformed(tag_name, rule, "a rule is a JSON object")
    kind = rule.get("type")
    if not isinstance(kind, str) or kind not in MATCH_KEYS:
        raise _malformed(tag_name, rule, f"the type of a rule is one of {', '.join(MATCH_KEYS)}")
    wanted = {"type", "image", *MATCH_KEYS[kind]}
    if set(rule) != wanted:
        raise _malformed(tag_name, rule, f"a rule of type {kind} has the keys {', '.join(sorted(wanted))}")
    empty = [key for key in sorted(wanted) if not isinstance(rule[key], str) or not rule[key].strip()]
    if empty:
        raise _malformed(tag_name, rule, f"{empty[0]} is not a text")
    match = {key: str(rule[key]) for key in MATCH_KEYS[kind]}
    return Rule(kind=kind, match=match, image=str(rule["image"]).strip(), text=as_text(rule))


def as_text(value: Any) -> str:
    """How a rule is quoted."""
    return value if isinstance(value, str) else json.dumps(value, default=repr)


def _malformed(tag_name: str, quoted: object, problem: str) -> BuildrootFailed:
    return BuildrootFailed(
        f"{POLICY_KEY} of tag {tag_name} cannot be used: {problem}: {as_text(quoted)}",
        hint=f"correct it with koji edit-tag {tag_name} -x {POLICY_KEY}=...",
    )
