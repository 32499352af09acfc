"""mock's site configuration: read as text, never run, and every setting accounted for."""

from pathlib import Path

import pytest

from koji_adjutant.cli.commands import main
from koji_adjutant.config import Config
from koji_adjutant.config.build_mounts import BuildMount
from koji_adjutant.config.site_defaults import MOCKS_TRUST, Verdict, read_site_defaults
from koji_adjutant.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://hub/kojihub",
        topurls=("http://hub/kojifiles",),
        state_dir=tmp_path,
        build_env={"SITE": "here"},
        build_macros={"%known": "yes"},
        build_mounts=(BuildMount(source="/srv/known", target="/known"),),
    )


def found(tmp_path: Path, config: Config, text: str) -> list[tuple[int, str, Verdict, str]]:
    file = tmp_path / "site-defaults.cfg"
    file.write_text(text)
    return [(one.line, one.name, one.verdict, one.text) for one in read_site_defaults(file, config)]


@pytest.mark.parametrize(
    ("statement", "verdict", "words"),
    [
        ("['environment']['SITE'] = 'here'", Verdict.HONOURED, "build_env has it"),
        ("['environment']['SITE'] = 'there'", Verdict.REPLACED, "add the line: SITE=there"),
        ("['environment']['N'] = platform.node()", Verdict.REPLACED, "an expression: platform.node()"),
        ("['macros']['%known'] = 'yes'", Verdict.HONOURED, "build_macros has it"),
        ("['macros']['other'] = 'a b'", Verdict.REPLACED, "add the line: %other a b"),
        ("['macros']['%vendor'] = 'me'", Verdict.WITHOUT_EFFECT, "Koji sets it"),
        (
            "['plugin_conf']['bind_mount_opts']['dirs'].append(('/srv/x', '/x'))",
            Verdict.REPLACED,
            "/srv/x:/x:rw",
        ),
        (
            "['plugin_conf']['bind_mount_opts']['dirs'] = [('/srv/known', '/known')]",
            Verdict.HONOURED,
            "build_mounts has it",
        ),
        (
            "['plugin_conf']['bind_mount_opts']['dirs'].extend(all_of_them)",
            Verdict.REPLACED,
            "cannot be read here",
        ),
        (
            "['plugin_conf']['ccache_opts']['max_cache_size'] = '4G'",
            Verdict.WITHOUT_EFFECT,
            "switches it off",
        ),
        (
            "['plugin_conf']['of_the_site_enable'] = True",
            Verdict.WITHOUT_EFFECT,
            "mock's plugins are not run",
        ),
        ("['rpmbuild_timeout'] = 7200", Verdict.REPLACED, "rpmbuild_timeout in [kojid]"),
        ("['yum.conf'] = '''\n[main]\n'''", Verdict.WITHOUT_EFFECT, "Koji sets it"),
        ("['rpmbuild_networking'] = True", Verdict.WITHOUT_EFFECT, "kind of task"),
        ("['separate_check'] = 'enforce'", Verdict.WITHOUT_EFFECT, "%check runs in one rpmbuild"),
        ("['whatever'] = 1", Verdict.WITHOUT_EFFECT, "not in mock"),
        ("['nspawn_args'] += ['--bind=/a']", Verdict.REPLACED, "build_mounts = /a:/a:rw"),
        ("['nspawn_args'].append('--rlimit=CORE=0')", Verdict.REPLACED, "RLIMIT_CORE = 0 0"),
        ("['nspawn_args'] += words()", Verdict.REPLACED, "limits, build_mounts"),
        ("['nspawn_args'].remove('--bind=/a')", Verdict.REPLACED, "limits, build_mounts"),
        ("['plugin_conf']['hw_info_enable'] = True", Verdict.HONOURED, "hw_info.log"),
        (
            "['plugin_conf']['hw_info_enable'] = False",
            Verdict.WITHOUT_EFFECT,
            "hw_info.log is always written",
        ),
        ("['plugin_conf']['rpmautospec_enable'] = False", Verdict.HONOURED, "rpmautospec in [adjutant]"),
        ("['plugin_conf']['bind_mount_opts']['create_dirs'] = True", Verdict.HONOURED, "are made"),
        (
            "['ssl_copied_ca_trust_dirs'] = [('/etc/ca', '/etc/pki/ca')]",
            Verdict.REPLACED,
            "scm_ca_trust = /etc/ca:/etc/pki/ca",
        ),
        (
            f"['ssl_copied_ca_trust_dirs'] = {MOCKS_TRUST}",
            Verdict.HONOURED,
            "for checkouts and source_cmd",
        ),
        (
            "['ssl_ca_bundle_path'] = '/etc/ssl/ca.pem'",
            Verdict.REPLACED,
            "scm_ca_trust = /etc/pki/tls/certs/ca-bundle.crt:/etc/ssl/ca.pem",
        ),
        ("['ssl_ca_bundle_path'] = None", Verdict.REPLACED, "by scm_ca_trust"),
        ("['ssl_extra_certs'] = ['/a', '/b']", Verdict.REPLACED, "scm_credentials_dir"),
        ("['copy_host_users'] = ['pesign']", Verdict.REPLACED, ",gid= behind"),
        ("['use_nspawn'] = False", Verdict.WITHOUT_EFFECT, "podman's containers"),
        ("[key] = 1", Verdict.NOT_READ, "look at what it sets"),
        (" = {}", Verdict.WITHOUT_EFFECT, "not in mock"),
    ],
)
def test_what_becomes_of_a_setting(
    tmp_path: Path, config: Config, statement: str, verdict: Verdict, words: str
) -> None:
    ((line, _, decided, text),) = found(tmp_path, config, f"# mock\nconfig_opts{statement}\n")
    assert (line, decided) == (2, verdict)
    assert words in text


def test_a_dictionary_sets_each_of_its_keys(tmp_path: Path, config: Config) -> None:
    names = [
        name
        for _, name, _, _ in found(
            tmp_path,
            config,
            "config_opts['macros'].update({'%a': 'b', '%c': 'd'})\n"
            "config_opts['plugin_conf'] = {'tmpfs_enable': True, 'tmpfs_opts': {'mode': '0755'}}\n",
        )
    ]
    assert names == [
        "config_opts['macros']['%a']",
        "config_opts['macros']['%c']",
        "config_opts['plugin_conf']['tmpfs_enable']",
        "config_opts['plugin_conf']['tmpfs_opts']['mode']",
    ]


def test_conditions_and_what_else_is_run_are_reported(tmp_path: Path, config: Config) -> None:
    text = """\
'''Site.'''
import os
if os.path.exists('/x'):
    config_opts['use_nspawn'] = False
else:
    config_opts['environment']['A'] = 'b'
include('/etc/mock/more.cfg')
"""
    first, second, third = found(tmp_path, config, text)
    assert (first[0], second[0], third[0]) == (4, 6, 7)
    assert "under a condition" in first[3]
    assert "under a condition" in second[3]
    assert third[1:3] == ("include('/etc/mock/more.cfg')", Verdict.NOT_READ)


def test_nothing_of_the_file_is_run(tmp_path: Path, config: Config) -> None:
    mark = tmp_path / "mark"
    text = f"open({str(mark)!r}, 'w')\nconfig_opts['environment']['A'] = open({str(mark)!r}, 'w')\n"
    assert len(found(tmp_path, config, text)) == 2
    assert not mark.exists()


@pytest.mark.parametrize("text", ["config_opts['a' = 1\n", "x = \x00\n"])
def test_what_mock_could_not_read_is_an_error(tmp_path: Path, config: Config, text: str) -> None:
    with pytest.raises(ConfigError, match=r"site-defaults\.cfg is not what mock reads"):
        found(tmp_path, config, text)


def test_check_prints_what_becomes_of_the_named_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = tmp_path / "kojid.conf"
    conf.write_text("[kojid]\nserver = http://hub/kojihub\ntopurl = http://hub/files\n")
    site = tmp_path / "site-defaults.cfg"
    site.write_text("config_opts['environment']['SITE'] = 'here'\n")
    assert main(["config", "check", "-c", str(conf), "--site-defaults", str(site)]) == 0
    said = capsys.readouterr().out
    assert f"{site}: 1 settings\n" in said
    assert (
        "line 1: config_opts['environment']['SITE']: replaced: by build_env; add the line: SITE=here\n"
        in said
    )
    assert main(["config", "check", "-c", str(conf), "--site-defaults", str(tmp_path / "none")]) == 2
    assert "none cannot be read: No such file" in capsys.readouterr().err
