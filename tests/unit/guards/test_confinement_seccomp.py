"""The seccomp profile that is made of the engine's."""

import json
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.guards.confinement import CLONE_NEWUSER, own_profile

DEFAULT: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 38,
    "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
    "syscalls": [
        {"names": ["clone", "clone3", "read", "unshare"], "action": "SCMP_ACT_ALLOW", "args": []},
        {
            "names": ["personality"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": 0, "valueTwo": 0, "op": "SCMP_CMP_EQ"}],
        },
        {"names": ["setns"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    ],
}


def rules(profile: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [rule for rule in profile["syscalls"] if name in rule["names"]]


def test_everything_else_is_as_the_engine_has_it() -> None:
    ours = own_profile(DEFAULT)
    assert {key: value for key, value in ours.items() if key != "syscalls"} == {
        key: value for key, value in DEFAULT.items() if key != "syscalls"
    }
    assert rules(ours, "read") == [{**DEFAULT["syscalls"][0], "names": ["read"]}]
    assert rules(ours, "setns") == [DEFAULT["syscalls"][2]]


def test_any_personality() -> None:
    (rule,) = rules(own_profile(DEFAULT), "personality")
    assert (rule["action"], rule["args"]) == ("SCMP_ACT_ALLOW", [])


@pytest.mark.parametrize(("name", "index"), [("unshare", 0), ("clone", 0)])
def test_a_new_user_namespace_is_refused_and_nothing_else(name: str, index: int) -> None:
    here = [rule for rule in rules(own_profile(DEFAULT), name) if not rule["includes"]]
    flags = {"index": index, "value": CLONE_NEWUSER, "op": "SCMP_CMP_MASKED_EQ"}
    assert [(rule["action"], rule["args"]) for rule in here] == [
        ("SCMP_ACT_ALLOW", [{**flags, "valueTwo": 0}]),
        ("SCMP_ACT_ERRNO", [{**flags, "valueTwo": CLONE_NEWUSER}]),
    ]
    assert here[1]["errnoRet"] == 1


def test_where_flags_are_the_second_argument() -> None:
    there = [rule for rule in rules(own_profile(DEFAULT), "clone") if rule["includes"]]
    assert [rule["args"][0]["index"] for rule in there] == [1, 1]
    assert all(rule["includes"] == {"arches": ["s390", "s390x"]} for rule in there)


def test_clone3_is_one_that_the_kernel_does_not_have() -> None:
    (rule,) = rules(own_profile(DEFAULT), "clone3")
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_user_namespaces_where_they_are_wanted() -> None:
    ours = own_profile(DEFAULT, user_namespaces=True)
    assert ours["syscalls"][0] == DEFAULT["syscalls"][0]
    assert not [rule for rule in ours["syscalls"][1:] if set(rule["names"]) & {"clone", "clone3", "unshare"}]


def test_what_is_no_profile() -> None:
    with pytest.raises(ValueError, match="no list of system calls"):
        own_profile({"syscalls": {}})


def test_the_engine_s_own() -> None:
    """The one of this machine: the calls that are changed are where they are looked for."""
    default = json.loads(Path("/usr/share/containers/seccomp.json").read_text())
    assert {"clone", "clone3", "unshare", "personality"} <= {
        name for rule in default["syscalls"] for name in rule["names"]
    }
    assert len(rules(own_profile(default), "clone")) == 4
