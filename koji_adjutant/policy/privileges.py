"""What a build may do that builds may not by default: asked for by its build tag, allowed by the configuration.

    adjutant.build_privileges = ["user_namespaces"]

is what a tag may carry in its extra data (a list or its JSON text). Pure. A privilege that is not there, or that this
builder does not allow, is a BuildrootFailed: a build whose tests would be skipped without it is not made.
"""

import json
from collections.abc import Mapping
from typing import Any

from koji_adjutant.config import Config
from koji_adjutant.config.values import PRIVILEGES
from koji_adjutant.errors import BuildrootFailed

PRIVILEGES_KEY = "adjutant.build_privileges"


def build_privileges(config: Config, *, tag_name: str, tag_extra: Mapping[str, Any] | None) -> frozenset[str]:
    """The privileges of builds in this tag."""
    given = (tag_extra or {}).get(PRIVILEGES_KEY)
    if given is None:
        return frozenset()
    asked = frozenset(_parsed(given, tag_name))
    denied = sorted(asked - config.allowed_build_privileges)
    if denied:
        raise BuildrootFailed(
            f"tag {tag_name} asks for the build privilege {denied[0]}, which this builder does not allow",
            hint=f"add it to allowed_build_privileges on the builder, or remove it from {PRIVILEGES_KEY} of the tag",
        )
    return asked


def _parsed(given: object, tag_name: str) -> list[str]:
    try:
        names = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise _malformed(tag_name, given, f"it is not JSON ({error})") from error
    if not isinstance(names, list):
        raise _malformed(tag_name, given, "it is not a JSON list")
    unknown = [name for name in names if name not in PRIVILEGES]
    if unknown:
        raise _malformed(tag_name, given, f"{unknown[0]!r} is none of {', '.join(PRIVILEGES)}")
    return names


def _malformed(tag_name: str, given: object, problem: str) -> BuildrootFailed:
    quoted = given if isinstance(given, str) else json.dumps(given, default=repr)
    return BuildrootFailed(
        f"{PRIVILEGES_KEY} of tag {tag_name} cannot be used: {problem}: {quoted}",
        hint=f"correct it with koji edit-tag {tag_name} -x {PRIVILEGES_KEY}=...",
    )
