"""Whether and how rpmautospec is run: what a site has set for mock's plugin, and what [adjutant] says over it."""

from pathlib import Path

import pytest

from koji_adjutant.config import load_config
from koji_adjutant.config.autospec import AutospecPlan, autospec_plan
from koji_adjutant.errors import ConfigError

MOCKS = AutospecPlan(requires=("rpmautospec",), command=("/usr/bin/rpmautospec", "process-distgit"))
ENABLED = "config_opts['plugin_conf']['rpmautospec_enable'] = True\n"
OPTS = "config_opts['plugin_conf']['rpmautospec_opts']"


def plan(directory: Path, site: str | None, option: str = "") -> AutospecPlan | None:
    file, conf = directory / "site-defaults.cfg", directory / "kojid.conf"
    if site is not None:
        file.write_text(site)
    lines = [f"mock_site_defaults = {file}", f"rpmautospec = {option}" if option else ""]
    head = ["[kojid]", "server = http://hub/kojihub", "topurl = http://hub/files", "[adjutant]"]
    conf.write_text("\n".join([*head, *lines, ""]))
    return autospec_plan(load_config(conf, environment={}))


@pytest.mark.parametrize(
    ("site", "option", "expected"),
    [
        (None, "", None),
        ("", "", None),
        (ENABLED, "", MOCKS),
        (ENABLED, "AUTO", MOCKS),
        (ENABLED, "no", None),
        (None, "yes", MOCKS),
        (ENABLED.replace("True", "False"), "yes", MOCKS),
        (ENABLED + ENABLED.replace("True", "False"), "", None),
        ("config_opts['plugin_conf'].update({'rpmautospec_enable': 1})", "", MOCKS),
        (f"{OPTS}['requires'] = ['other']", "", None),
    ],
)
def test_the_option_goes_before_the_site_and_the_site_before_mock(
    tmp_path: Path, site: str | None, option: str, expected: AutospecPlan | None
) -> None:
    assert plan(tmp_path, site, option) == expected


@pytest.mark.parametrize(
    ("opts", "requires", "command"),
    [
        (f"{OPTS}['requires'] = ['one', '/usr/bin/two']", ("one", "/usr/bin/two"), MOCKS.command),
        (f"{OPTS}['requires'] = []", (), MOCKS.command),
        (f"{OPTS} = {{'requires': ('one',), 'cmd_base': ['/opt/it']}}", ("one",), ("/opt/it",)),
        (f"{OPTS}.update({{'cmd_base': ['/opt/it', '-x']}})", MOCKS.requires, ("/opt/it", "-x")),
    ],
)
def test_packages_and_command_are_the_sites(
    tmp_path: Path, opts: str, requires: tuple[str, ...], command: tuple[str, ...]
) -> None:
    assert plan(tmp_path, ENABLED + opts) == AutospecPlan(requires=requires, command=command)
    # Whoever switches it on here has the site's command, too.
    assert plan(tmp_path, opts, "yes") == AutospecPlan(requires=requires, command=command)


@pytest.mark.parametrize(
    ("site", "said"),
    [
        (ENABLED.replace("True", "decide()"), "cannot be read: decide()"),
        (f"if True:\n    {ENABLED}", "cannot be read: True"),
        (ENABLED + f"{OPTS}['requires'] += ['one']", "cannot be read"),
        (ENABLED + f"{OPTS}['requires'] = 'one'", "is not a list of texts"),
        (ENABLED + f"{OPTS}['requires'] = ['one', 2]", "is not a list of texts"),
        (ENABLED + f"{OPTS}['cmd_base'] = []", "is not a list of texts"),
        (ENABLED + f"{OPTS}['requires'] = ['@group']", "'@group' cannot be honoured"),
        (ENABLED + f"{OPTS}['requires'] = ['--nobest']", "'--nobest' cannot be honoured"),
        (ENABLED + f"{OPTS}['requires'] = ['rpmautospec*']", "cannot be honoured"),
        (ENABLED + f"{OPTS}['requires'] = ['https://host/one.rpm']", "cannot be honoured"),
    ],
)
def test_what_cannot_be_honoured_is_known_at_the_start(tmp_path: Path, site: str, said: str) -> None:
    with pytest.raises(ConfigError, match="line") as raised:
        plan(tmp_path, site)
    assert said in raised.value.message
    # Where it is switched off, nobody reads it.
    assert plan(tmp_path, site, "no") is None


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rpmautospec.* expected yes or no"):
        plan(tmp_path, None, "perhaps")
