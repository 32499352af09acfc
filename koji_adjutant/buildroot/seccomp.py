"""The seccomp profile of containers that run code of packages: the engine's own default, and two changes. Pure.

Every personality may be chosen, as in a chroot (`setarch -R`). A new user namespace may not: in one, a process has all
capabilities, and so a good part of the kernel that nobody in a container needs. `clone3` hides its flags from a
filter; it is answered as by a kernel that has none, and the C library falls back to `clone`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

CLONE_NEWUSER = 0x10000000
EPERM, ENOSYS = 1, 38
ALLOW, ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
FLAGS_SECOND = ("s390", "s390x")
"""Where the flags of clone are its second argument."""


def own_profile(default: Any, *, user_namespaces: bool = False) -> dict[str, Any]:
    """The engine's `default` with our changes; with `user_namespaces` these are left as it has them.

    ValueError when `default` is no profile.
    """
    rules = default.get("syscalls") if isinstance(default, Mapping) else None
    if not isinstance(rules, list) or not rules:
        raise ValueError("it has no list of system calls")
    ours = [_rule(ALLOW, "personality")]
    if not user_namespaces:
        ours += _no_user_namespace()
    mine = frozenset(name for rule in ours for name in rule["names"])
    return {**default, "syscalls": [*_without(rules, mine), *ours]}


def _no_user_namespace() -> list[dict[str, Any]]:
    elsewhere, there = {"arches": list(FLAGS_SECOND)}, {"arches": list(FLAGS_SECOND)}
    return [
        _rule(ALLOW, "unshare", flags=(0, 0)),
        _rule(ERRNO, "unshare", flags=(0, CLONE_NEWUSER), errno=EPERM),
        _rule(ALLOW, "clone", flags=(0, 0), excludes=elsewhere),
        _rule(ERRNO, "clone", flags=(0, CLONE_NEWUSER), errno=EPERM, excludes=elsewhere),
        _rule(ALLOW, "clone", flags=(1, 0), includes=there),
        _rule(ERRNO, "clone", flags=(1, CLONE_NEWUSER), errno=EPERM, includes=there),
        _rule(ERRNO, "clone3", errno=ENOSYS),
    ]


def _rule(
    action: str, name: str, *, flags: tuple[int, int] | None = None, errno: int = 0, **conditions: Any
) -> dict[str, Any]:
    """A rule for one call; `flags` is the argument that has them, and what CLONE_NEWUSER is to be in it."""
    args = []
    if flags:
        index, wanted = flags
        args = [{"index": index, "value": CLONE_NEWUSER, "valueTwo": wanted, "op": "SCMP_CMP_MASKED_EQ"}]
    found = {"names": [name], "action": action, "args": args, "comment": "", "includes": {}, "excludes": {}}
    found.update(conditions)
    return {**found, "errnoRet": errno} if errno else found


def _without(rules: Iterable[Mapping[str, Any]], names: frozenset[str]) -> Iterable[dict[str, Any]]:
    for rule in rules:
        kept = [name for name in rule.get("names") or () if name not in names]
        if kept:
            yield {**rule, "names": kept}
