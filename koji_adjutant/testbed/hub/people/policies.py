"""Policies: Koji's default rules, and those that stand in the hub's directory, which are read at every question.

That file is JSON: by the name of a policy the lines that hub.conf would have of it, with the tests of Koji's library.
"""

import json
from pathlib import Path
from typing import Any

import koji
import koji.policy

from koji_adjutant.testbed.hub.people.users import permissions_with_sources, require_user
from koji_adjutant.testbed.hub.rpc.call import Call
from koji_adjutant.testbed.hub.rpc.registry import exposed

FILE = "policies.json"
"""Beside the topdir."""
ANSWERS = {"build_rpm": "allow", "cg_import": "allow", "volume": "DEFAULT", "priority": "stay"}
# Allowed to whoever has one of these permissions.
NEEDED = {
    "build_from_srpm": ("admin",),
    "build_from_repo_id": ("admin",),
    "build_from_scm": ("admin",),
    "package_list": ("admin", "tag"),
    "vm": ("admin", "win-admin"),
    "draft_promotion": ("draft-promoter",),
}


@exposed("evalPolicy")
def eval_policy(call: Call, name: Any, data: Any) -> str:
    """The action that the policy gives for this data."""
    if lines := _written_rules(call).get(name):
        policy: Any = koji.policy
        tests = policy.findSimpleTests(vars(policy))
        return str(policy.SimpleRuleSet(lines, tests).apply(dict(data)) or "")
    if name in ANSWERS:
        return ANSWERS[name]
    if name == "channel":
        return _channel(data)
    if name not in NEEDED:
        raise koji.GenericError(f"no such policy: {name}")
    permissions = permissions_with_sources(call, require_user(call, data.get("user_id"))["id"])
    if set(NEEDED[name]) & set(permissions):
        return "allow"
    return f"deny Only {'/'.join(NEEDED[name])} can do this via default policy"


def _written_rules(call: Call) -> dict[str, list[str]]:
    try:
        text = Path(call.paths.topdir).with_name(FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    rules: dict[str, list[str]] = json.loads(text)
    return rules


def _channel(data: dict[str, Any]) -> str:
    if data.get("req_channel"):
        return "req"
    return "parent" if data.get("parent") is not None else "use default"


def check_policy(call: Call, name: str, data: dict[str, Any], *, force: bool = False) -> tuple[bool, str]:
    """Whether the policy `name` allows `data`, and why not. An unknown policy allows; `force` overrides for admins."""
    if name not in NEEDED and name not in ANSWERS:
        return True, "missing policy"
    action, _, reason = eval_policy(call, name, data).partition(" ")
    if action == "allow":
        return True, reason
    user = require_user(call, data.get("user_id"))
    if force and "admin" in permissions_with_sources(call, user["id"]):
        return True, "overriden by force"
    return False, reason


def assert_policy(call: Call, name: str, data: dict[str, Any], *, force: bool = False) -> None:
    allowed, reason = check_policy(call, name, data, force=force)
    if not allowed:
        raise koji.ActionNotAllowed(f"policy violation ({name}): {reason}")


@exposed("host.assertPolicy")
def host_assert_policy(call: Call, name: Any, data: Any, default: Any = "deny") -> None:
    call.require_host()
    assert_policy(call, name, data)


@exposed("host.checkPolicy")
def host_check_policy(
    call: Call, name: Any, data: Any, default: Any = "deny", strict: bool = False
) -> list[Any]:
    call.require_host()
    if strict:
        assert_policy(call, name, data)
    return list(check_policy(call, name, data))


@exposed("host.evalPolicy")
def host_eval_policy(call: Call, name: Any, data: Any) -> str:
    call.require_host()
    return eval_policy(call, name, data)
