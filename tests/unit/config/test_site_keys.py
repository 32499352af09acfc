"""The table of mock's options."""

import re

import pytest

from koji_adjutant.config.options import table
from koji_adjutant.config.site_keys import BY_KOJI, HONOURED, KEYS, MACROS_BY_KOJI, REPLACED, WITHOUT

OPTIONS = frozenset(row.key for row in table())


@pytest.mark.parametrize("path", KEYS)
def test_a_verdict_says_how_or_why(path: tuple[str, ...]) -> None:
    kind, said = KEYS[path]
    assert kind in {HONOURED, REPLACED, WITHOUT}
    assert said == said.strip()
    assert len(said) > 5


def test_what_replaces_one_is_an_option_or_extra_data_of_a_tag() -> None:
    for path, (kind, said) in KEYS.items():
        if kind == REPLACED:
            words = set(re.findall(r"[a-z_]+\.?[a-z_]*", said))
            assert words & OPTIONS or "of the build tag's extra data" in said, f"{path}: {said}"


def test_what_koji_sets_itself_is_nobody_elses() -> None:
    assert not BY_KOJI & {path[0] for path in KEYS}
    assert all(name.startswith("%") for name in MACROS_BY_KOJI)


def test_of_a_plugin_the_longest_path_decides() -> None:
    assert KEYS["plugin_conf", "bind_mount_enable"][0] == HONOURED
    assert KEYS["plugin_conf",][0] == WITHOUT
