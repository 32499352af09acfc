"""The options of a repo: what its tag says, what a request overrides, and whether a repo has what is asked."""

from collections.abc import Mapping
from typing import Any

import koji

DEFAULTS = {"src": False, "debuginfo": False, "separate_src": False, "maven": False}

Options = dict[str, bool]


def checked_options(options: Any, *, strict: bool) -> Options:
    """The options that were given a value. Unknown ones are a ParameterError, or left out."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        if strict:
            raise koji.ParameterError("Repo opts must be a dictionary")
        return {}
    unknown = set(options) - set(DEFAULTS)
    if unknown and strict:
        raise koji.ParameterError(f"Invalid repo option: {min(unknown)}")
    return {name: bool(value) for name, value in options.items() if name not in unknown and value is not None}


def options_of_tag(tag: Mapping[str, Any], override: Any) -> tuple[Options, Options]:
    """(all options of a new repo, those of them that differ from what the tag says)."""
    extra = tag["extra"]
    options: Options = dict(DEFAULTS)
    if "with_debuginfo" in extra and "repo.opts" not in extra:
        options["debuginfo"] = bool(extra["with_debuginfo"])
    options |= checked_options(extra.get("repo.opts"), strict=False)
    options["maven"] = False
    wanted = checked_options(override, strict=False)
    custom = {name: value for name, value in wanted.items() if value != options[name]}
    return options | custom, custom


def satisfies(repo: Mapping[str, Any], wanted: Options) -> bool:
    """All that was asked for, and nothing unusual that was not."""
    complete = all(repo["opts"].get(name) == value for name, value in wanted.items())
    return complete and all(wanted.get(name) == value for name, value in repo["custom_opts"].items())
