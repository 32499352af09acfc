"""What three build sites set in mock's configuration and in kojid's: settings and values as they were in 2025 and 2026.

Fedora's with all that any of its builders has, that of its kernel signers, and CentOS' with every switch on.
"""

from pathlib import Path

import pytest

from koji_adjutant.config import Config, load_config
from koji_adjutant.config.package_manager import read_package_managers
from koji_adjutant.config.site_defaults import Finding, Verdict, read_site_defaults

FEDORA = """\
config_opts["environment"]["LANG"] = "C.UTF-8"
config_opts["macros"]["%bugurl"] = "https://bugz.fedoraproject.org/%name"
config_opts["plugin_conf"]["ccache_enable"] = False
config_opts["plugin_conf"]["package_state_enable"] = False
config_opts["plugin_conf"]["rpmautospec_enable"] = True
config_opts["plugin_conf"]["rpmautospec_opts"] = {
    "cmd_base": ["/usr/bin/rpmautospec", "process-distgit"], "requires": ["rpmautospec"],
}
config_opts["use_bootstrap"] = True
config_opts["use_bootstrap_image"] = False
config_opts["dnf_warning"] = False
config_opts["dnf_command"] = "/usr/bin/dnf-3"
config_opts["system_dnf_command"] = "/usr/bin/dnf-3"
config_opts["dnf_install_command"] = "install python3-dnf dnf-plugins-core"
config_opts["dnf_common_opts"] = ["--setopt=install_weak_deps=0", "--setopt=optional_metadata_types=filelists"]
config_opts["dnf5_avoid_opts"] = {"group": ["--allowerasing"]}
config_opts["yum_install_command"] += " -x devtoolset*"
config_opts["nspawn_args"] += ["--capability=cap_mac_admin"]
config_opts["nspawn_args"] += ["--rlimit=RLIMIT_CORE=infinity"]
"""
SIGNER = """\
config_opts["environment"]["LANG"] = "C.UTF-8"
config_opts["macros"]["%bugurl"] = "https://bugz.fedoraproject.org/%name"
config_opts["plugin_conf"]["bind_mount_opts"]["dirs"].append(("/var/run/pesign", "/var/run/pesign"))
config_opts["nspawn_args"] += ["--bind=/var/run/pesign"]
config_opts["plugin_conf"]["package_state_enable"] = False
config_opts["plugin_conf"]["rpmautospec_enable"] = True
config_opts["plugin_conf"]["rpmautospec_opts"] = {
    "cmd_base": ["/usr/bin/rpmautospec", "process-distgit"], "requires": ["rpmautospec"],
}
config_opts["use_bootstrap"] = False
config_opts["dnf_warning"] = False
config_opts["dnf_common_opts"] = ["--setopt=install_weak_deps=0"]
config_opts["dnf5_avoid_opts"] = {"group": ["--allowerasing"]}
"""
CENTOS = """\
config_opts["use_bootstrap"] = False
config_opts["nspawn_args"] += ["--rlimit=RLIMIT_NOFILE=10240"]
config_opts["dnf_disable_plugins"] = ["versionlock"]
config_opts["useradd"] = "/usr/sbin/useradd -m -u {{chrootuid}} -g {{chrootgid}} -d {{chroothome}} -N {{chrootuser}}"
config_opts["plugin_conf"]["rpmautospec_enable"] = True
"""
SITES = {"fedora": (FEDORA, 18), "signer": (SIGNER, 12), "centos": (CENTOS, 5)}
GENERIC = ("builds run in containers, not in mock", "mock's plugins are not run", "for what these can say")
HONOURED, REPLACED, WITHOUT = Verdict.HONOURED, Verdict.REPLACED, Verdict.WITHOUT_EFFECT
PESIGN = "build_mounts = /var/run/pesign:/var/run/pesign:rw"
ANSWERS = {
    "fedora": {
        "['environment']['LANG']": (REPLACED, "LANG=C.UTF-8"),
        "['macros']['%bugurl']": (REPLACED, "%bugurl https://bugz.fedoraproject.org/%name"),
        "['plugin_conf']['ccache_enable']": (WITHOUT, "Koji switches it off"),
        "['plugin_conf']['package_state_enable']": (WITHOUT, "always written"),
        "['plugin_conf']['rpmautospec_enable']": (HONOURED, "rpmautospec in [adjutant]"),
        "['plugin_conf']['rpmautospec_opts']['cmd_base']": (HONOURED, "in the buildroot"),
        "['use_bootstrap']": (WITHOUT, "task image"),
        "['use_bootstrap_image']": (REPLACED, "task_image_default"),
        "['dnf_warning']": (WITHOUT, "Koji sets it"),
        "['dnf_command']": (REPLACED, "its dnf"),
        "['system_dnf_command']": (REPLACED, "its dnf"),
        "['dnf_install_command']": (REPLACED, "its dnf"),
        "['yum_install_command']": (REPLACED, "its dnf"),
        "['dnf_common_opts']": (HONOURED, "BuildRequires"),
        "['dnf5_avoid_opts']['group']": (HONOURED, "BuildRequires"),
        "['nspawn_args'] --capability=cap_mac_admin": (WITHOUT, "builds have no capability"),
        "['nspawn_args'] --rlimit=RLIMIT_CORE=infinity": (REPLACED, "RLIMIT_CORE = -1 -1"),
    },
    "signer": {
        "['plugin_conf']['bind_mount_opts']['dirs']": (REPLACED, PESIGN),
        "['nspawn_args'] --bind=/var/run/pesign": (REPLACED, PESIGN),
        "['use_bootstrap']": (WITHOUT, "task image"),
    },
    "centos": {
        "['nspawn_args'] --rlimit=RLIMIT_NOFILE=10240": (REPLACED, "RLIMIT_NOFILE = 10240 10240"),
        "['dnf_disable_plugins']": (HONOURED, "no plugin"),
        "['useradd']": (WITHOUT, "mockbuild (1000)"),
    },
}
FEDORAS_KOJID = """\
[kojid]
sleeptime=15
maxjobs=25
rpmbuild_timeout=201600
use_createrepo_c=True
failed_buildroot_lifetime=86400
topurl = https://kojipkgs.fedoraproject.org/ https://kojipkgs01.fedoraproject.org https://kojipkgs02.fedoraproject.org
vendor=Fedora Project
packager=Fedora Project
distribution=Fedora Project
mockhost=redhat-linux-gnu
server=https://koji.fedoraproject.org/kojihub
pkgurl=http://kojipkgs.stg.fedoraproject.org/packages
allowed_scms_use_config = false
allowed_scms_use_policy = true
build_arch_can_fail = true
smtphost=bastion.iad2.fedoraproject.org
from_addr=Fedora Koji Build System <buildsys@fedoraproject.org>
serverca = /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem
krb_principal = compile/buildvm-x86-01.example.org@EXAMPLE.ORG
keytab = /etc/kojid/kojid.keytab
plugins = runroot save_failed_tree rpmautospec_builder osbuild scmpolicy flatpak kiwi
"""
CENTOS_KOJID = """\
[kojid]
sleeptime=5
maxjobs=20
minspace=8192
topdir=/mnt/koji
workdir=/tmp/koji
mockdir=/var/lib/mock
mockuser=kojibuilder
vendor=CentOS
packager=builder@centos.org
distribution=CentOS
mockhost=redhat-linux-gnu
rpmbuild_timeout=86400
server=http://localhost/kojihub
topurl=http://localhost/kojifiles
use_createrepo_c=True
allowed_scms_use_config=true
allowed_scms_use_policy=false
allowed_scms=scm.example.com:/cvs/example git.example.org:/example svn.example.org:/users/*:no
smtphost=example.com
from_addr=Koji Build System <buildsys@example.com>
host_principal_format = compile/%s@EXAMPLE.COM
keytab = /etc/kojid/kojid.keytab
cert = /etc/pki/koji/builder.example.com.pem
serverca = /etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt
plugins = runroot kiwi\x20
"""


def loaded(directory: Path, kojid: str, site: str = "", more: str = "") -> Config:
    """The configuration of a builder with these two files."""
    conf, defaults = directory / "kojid.conf", directory / "site-defaults.cfg"
    defaults.write_text(site)
    conf.write_text(f"{kojid}\n[adjutant]\nmock_site_defaults = {defaults}\n{more}")
    return load_config(conf, environment={})


def findings(directory: Path, site: str, more: str = "", kojid: str = CENTOS_KOJID) -> tuple[Finding, ...]:
    text, _ = SITES[site]
    return read_site_defaults(directory / "site-defaults.cfg", loaded(directory, kojid, text, more))


@pytest.mark.parametrize("site", SITES)
def test_each_setting_of_a_site_has_an_answer_of_its_own(tmp_path: Path, site: str) -> None:
    found = findings(tmp_path, site)
    assert len(found) == SITES[site][1]
    for one in found:
        assert one.verdict is not Verdict.NOT_READ
        assert not any(text in one.text for text in GENERIC), one


@pytest.mark.parametrize("site", SITES)
def test_what_the_answers_are(tmp_path: Path, site: str) -> None:
    found = {one.name.removeprefix("config_opts"): one for one in findings(tmp_path, site)}
    for name, (verdict, words) in ANSWERS[site].items():
        assert found[name].verdict is verdict, found[name]
        assert words in found[name].text


def test_what_the_answers_say_is_honoured_once_it_is_written(tmp_path: Path) -> None:
    kojid = CENTOS_KOJID + "RLIMIT_NOFILE = 10240 10240\nRLIMIT_CORE = -1 -1\n"
    more = (
        "build_env =\n  LANG=C.UTF-8\n"
        "build_macros =\n  %bugurl https://bugz.fedoraproject.org/%name\n"
        f"{PESIGN}\n"
    )
    names = {
        "centos": {"['nspawn_args'] --rlimit=RLIMIT_NOFILE=10240"},
        "fedora": {
            "['environment']['LANG']",
            "['macros']['%bugurl']",
            "['nspawn_args'] --rlimit=RLIMIT_CORE=infinity",
        },
        "signer": {"['plugin_conf']['bind_mount_opts']['dirs']", "['nspawn_args'] --bind=/var/run/pesign"},
    }
    for site, expected in names.items():
        found = {one.name.removeprefix("config_opts"): one for one in findings(tmp_path, site, more, kojid)}
        assert {found[name].verdict for name in expected} == {HONOURED}


def test_the_sites_packages_are_chosen_by_their_options(tmp_path: Path) -> None:
    for site in ("fedora", "signer"):
        findings(tmp_path, site)
        options = read_package_managers(tmp_path / "site-defaults.cfg").options["dnf"]
        assert not options.allow_erasing
        assert options.settings == (("install_weak_deps", "0"),)


def test_fedoras_kojid_conf(tmp_path: Path) -> None:
    config = loaded(tmp_path, FEDORAS_KOJID, FEDORA)
    assert config.topurls[1:] == (
        "https://kojipkgs01.fedoraproject.org",
        "https://kojipkgs02.fedoraproject.org",
    )
    assert (config.rpmbuild_timeout, config.maxjobs, config.build_arch_can_fail) == (201600, 25, True)
    assert (config.allowed_scms_use_config, config.allowed_scms_use_policy) == (False, True)
    assert config.plugin == (
        "runroot", "save_failed_tree", "rpmautospec_builder", "osbuild", "scmpolicy", "flatpak", "kiwi",
    )  # fmt: skip


def test_centos_kojid_conf(tmp_path: Path) -> None:
    config = loaded(tmp_path, CENTOS_KOJID, CENTOS)
    assert config.cert == "/etc/pki/koji/builder.example.com.pem"
    assert config.allowed_scms.split()[-1] == "svn.example.org:/users/*:no"
    assert config.host_principal_format == "compile/%s@EXAMPLE.COM"
    assert config.plugin == ("runroot", "kiwi")
