"""Reading a configuration: who wins, what is refused, and in which words."""

from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config, load_config
from koji_adjutant.container.interface import PullPolicy
from koji_adjutant.errors import ConfigError

REQUIRED = "[kojid]\nserver = https://hub/kojihub\ntopurl = https://hub/kojifiles\n"


def load(
    tmp_path: Path, text: str = "", environment: dict[str, str] | None = None, **overrides: Any
) -> Config:
    file = tmp_path / "kojid.conf"
    file.write_text(REQUIRED + text)
    return load_config(file, overrides=overrides, environment=environment or {})


def test_defaults_are_those_of_kojid(tmp_path: Path) -> None:
    config = load(tmp_path)
    assert (config.sleeptime, config.maxjobs, config.minspace) == (5, 10, 8192)
    assert (config.max_retries, config.retry_interval, config.offline_retry_interval) == (120, 60, 120)
    assert (config.vendor, config.mockhost, config.rpmbuild_timeout) == ("Koji", "koji-linux-gnu", 86400)
    assert (config.offline_retry, config.use_fast_upload, config.allowed_scms_use_policy) == (
        True,
        True,
        False,
    )
    assert config.timeout is None
    assert config.host_principal_format == "compile/%s@EXAMPLE.COM"


def test_command_line_over_environment_over_file(tmp_path: Path) -> None:
    text = "[adjutant]\nsolver_network = file\n"
    environment = {"KOJI_ADJUTANT_SOLVER_NETWORK": "environment"}
    assert load(tmp_path, text).solver_network == "file"
    assert load(tmp_path, text, environment).solver_network == "environment"
    assert load(tmp_path, "sleeptime = 20\n", sleeptime="30").sleeptime == 30


def test_prefix_in_the_section_of_kojid(tmp_path: Path) -> None:
    config = load(tmp_path, "adjutant_image_pull_policy = never\n")
    assert config.image_pull_policy is PullPolicy.NEVER


def test_percent_signs_are_kept(tmp_path: Path) -> None:
    assert load(tmp_path, "host_principal_format = kojid/%s@R\n").host_principal_format == "kojid/%s@R"


def test_any_value_permits_bootstrap_images_as_in_kojid(tmp_path: Path) -> None:
    assert not load(tmp_path).mock_bootstrap_image
    assert load(tmp_path, "mock_bootstrap_image = False\n").mock_bootstrap_image == "False"


def test_plugins_by_either_name(tmp_path: Path) -> None:
    assert load(tmp_path, "plugins = a b\n").plugin == ("a", "b")
    assert load(tmp_path, "plugin = a\n").plugin == ("a",)


def test_limits(tmp_path: Path) -> None:
    config = load(tmp_path, "RLIMIT_NOFILE = 1024 4096\nrlimit_core = 0\n")
    assert config.rlimits == {"RLIMIT_NOFILE": "1024 4096", "RLIMIT_CORE": "0"}


def test_several_topurls(tmp_path: Path) -> None:
    config = load(tmp_path, "", topurl="http://a/ http://b")
    assert config.topurls == ("http://a", "http://b")
    assert config.topurl == "http://a"


def test_a_directory_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "10.conf").write_text(REQUIRED + "maxjobs = 1\n")
    (tmp_path / "conf" / "20.conf").write_text("[kojid]\nmaxjobs = 2\n")
    assert load_config(tmp_path / "conf", environment={}).maxjobs == 2


def test_the_cache_is_below_the_state_directory_unless_it_is_elsewhere(tmp_path: Path) -> None:
    assert load(tmp_path, "[adjutant]\nstate_dir = /s\n").cache_dir == Path("/s/cache")
    assert load(tmp_path, "[adjutant]\nstate_dir = /s\ncache_dir = /c\n").cache_dir == Path("/c")


def test_engine_path_takes_the_longest_prefix(tmp_path: Path) -> None:
    config = load(tmp_path, "[adjutant]\nhost_mount_map = /work:/host/work /work/deep:/deep\n")
    assert config.engine_path(Path("/work/tasks/1")) == "/host/work/tasks/1"
    assert config.engine_path(Path("/work/deep/x")) == "/deep/x"
    assert config.engine_path(Path("/work")) == "/host/work"
    assert config.engine_path(Path("/workshop")) == "/workshop"


def test_settings_of_builds_stand_one_a_line(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "[adjutant]\nbuild_macros =\n  %_smp_mflags -j3\n  _site with spaces = and %{more}\n"
        "build_env = CCACHE_DISABLE=1\n  OPTS=-a -b\nlimits =\n  cpus = 4\n  buildArch.cpus = 2\n",
    )
    assert dict(config.build_macros) == {"%_smp_mflags": "-j3", "%_site": "with spaces = and %{more}"}
    assert dict(config.build_env) == {"CCACHE_DISABLE": "1", "OPTS": "-a -b"}
    assert dict(config.limits) == {"cpus": 4.0, "buildArch.cpus": 2.0}
    assert config.notices == ()


def test_no_password_is_shown(tmp_path: Path) -> None:
    config = load(tmp_path, "password = pa55word\nsmtp_pass = mail5word\n")
    assert config.password == "pa55word"
    assert "5word" not in repr(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = blue\n", ["colour", "blue", "unknown"]),
        ("sleeptime = often\n", ["sleeptime", "often", "whole number"]),
        ("offline_retry = perhaps\n", ["offline_retry", "perhaps", "yes or no"]),
        ("log_level = LOUD\n", ["log_level", "LOUD"]),
        ("rlimit_nonsense = 1\n", ["rlimit_nonsense", "resource limit"]),
        (
            "adjutant_build_mounts = /s:/t:gid=9\nadjutant_user_namespace = yes\n",
            ["gid=", "set it to auto or no"],
        ),
        ("rlimit_nofile = many\n", ["rlimit_nofile", "many", "soft"]),
        ("state_dir = /s\n", ["state_dir", "belongs in section [adjutant]"]),
        ("keepalive = yes\n", ["keepalive", "unknown"]),
        ("[adjutant]\nsleeptime = 3\n", ["sleeptime", "belongs in section [kojid]"]),
        ("[adjutant]\nmonitoring_bind = 8080\n", ["monitoring_bind", "'8080'", "127.0.0.1:8080"]),
        (
            "[adjutant]\nmonitoring_enabled = yes\nmonitoring_bind = 0.0.0.0:8080\n",
            ["monitoring_bind", "0.0.0.0:8080", "set monitoring_token_file"],
        ),
        (
            "[adjutant]\nlimits = memory=much\n",
            ["kojid.conf", "limits", "memory=much", "expected a size"],
        ),
        (
            "[adjutant]\nlimits = buildarch.memory=1G\n",
            ["kojid.conf", "option limits = 'buildarch.memory=1G'", "not for 'buildarch'"],
        ),
        (
            "[adjutant]\nlimits = buildArch.disk=1G\n",
            ["kojid.conf", "option limits = 'buildArch.disk=1G'", "not of 'disk'"],
        ),
        ("[adjutant]\nlimits_buildArch = disk=1G\n", ["limits_buildarch", "build_disk", "'disk'"]),
        ("[adjutant]\nlimits_newRepo = pids=1\n", ["limits_newrepo", "unknown"]),
        ("limits_buildArch = pids=1\n", ["limits_buildarch", "belongs in section [adjutant]"]),
        ("[adjutant]\nstate_dir = here\n", ["state_dir", "here", "absolute"]),
        ("[extra]\na = b\n", ["[extra]", "unknown"]),
        ("sleeptime = 1\nsleeptime = 2\n", ["INI"]),
        ("nonsense\n", ["INI"]),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert str(tmp_path / "kojid.conf") in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_bad_environment_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="environment: option colour = 'blue'"):
        load(tmp_path, environment={"KOJI_ADJUTANT_COLOUR": "blue"})


def test_a_bad_command_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="command line: option maxjobs = 'x'"):
        load(tmp_path, maxjobs="x")


@pytest.mark.parametrize("missing", ["server", "topurl"])
def test_what_has_to_be_there(tmp_path: Path, missing: str) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text("".join(line for line in REQUIRED.splitlines(keepends=True) if missing not in line))
    with pytest.raises(ConfigError, match=f"option {missing} is missing"):
        load_config(file, environment={})


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "none.conf")


def test_a_secret_is_not_in_the_error_about_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "[adjutant]\npassword = pa55word\n")
    assert "pa55word" not in str(caught.value)
