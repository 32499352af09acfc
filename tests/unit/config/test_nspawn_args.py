"""Words for systemd-nspawn, and what says them here."""

import pytest

from koji_adjutant.config import Config
from koji_adjutant.config.build_mounts import BuildMount
from koji_adjutant.config.nspawn_args import answers
from koji_adjutant.config.site_keys import HONOURED, REPLACED, WITHOUT

CONFIG = Config(
    server="http://hub/kojihub",
    topurls=("http://hub/kojifiles",),
    rlimits={"RLIMIT_CORE": "0 0"},
    build_env={"SITE": "here"},
    build_mounts=(BuildMount(source="/srv/known", target="/known"),),
)


@pytest.mark.parametrize(
    ("words", "verdict", "said"),
    [
        (["--bind=/srv/a"], REPLACED, "build_mounts = /srv/a:/srv/a:rw "),
        (["--bind", "/srv/a:/b"], REPLACED, "build_mounts = /srv/a:/b:rw "),
        (["--bind=-/srv/a:/b:norbind"], REPLACED, "build_mounts = /srv/a:/b:rw "),
        (["--bind-ro=/srv/a:/b"], REPLACED, "build_mounts = /srv/a:/b"),
        (["--bind=/run/signer"], REPLACED, ",gid=GROUP behind it"),
        (["--bind=/srv/known:/known"], HONOURED, "build_mounts has it"),
        (["--bind=+/inside:/b"], WITHOUT, "only directories"),
        (["--bind=/srv/a\\:b"], WITHOUT, "only directories"),
        (["--bind=/dev/fuse"], WITHOUT, "devices"),
        (["--tmpfs=/x"], WITHOUT, "only directories"),
        (["--capability=cap_ipc_lock"], REPLACED, "RLIMIT_MEMLOCK = -1 -1"),
        (["--capability=cap_ipc_lock,cap_sys_admin"], WITHOUT, "no capability"),
        (["--drop-capability=all"], HONOURED, "no capability"),
        (["--rlimit=RLIMIT_NOFILE=10240"], REPLACED, "to [kojid]: RLIMIT_NOFILE = 10240 10240"),
        (["--rlimit=nofile=1024:infinity"], REPLACED, "RLIMIT_NOFILE = 1024 -1"),
        (["--rlimit=CORE=0"], HONOURED, "RLIMIT_CORE"),
        (["--setenv=SITE=here"], HONOURED, "build_env has it"),
        (["-E", "SITE=there"], REPLACED, "add the line: SITE=there"),
        (["--setenv=SITE"], REPLACED, "SITE=VALUE"),
        (["--hostname=builder"], REPLACED, "%_buildhost builder"),
        (["--property=MemoryMax=16G"], REPLACED, "memory = 16G"),
        (["--property=TasksMax=500"], REPLACED, "pids = 500"),
        (["--property=CPUQuota=150%"], REPLACED, "cpus = 1.5"),
        (["--property=IOWeight=5"], WITHOUT, "no unit"),
        (["--suppress-sync=yes"], WITHOUT, "need not be synced"),
        (["--private-network"], WITHOUT, "Koji decides"),
        (["-U"], REPLACED, "user_namespace = yes"),
        (["--link-journal=no"], WITHOUT, "systemd-nspawn itself"),
    ],
)
def test_what_becomes_of_a_word(words: list[str], verdict: str, said: str) -> None:
    (answer,) = answers(words, CONFIG)
    assert answer.verdict == verdict
    assert said in answer.text


def test_a_value_may_be_the_next_word() -> None:
    found = [one.word for one in answers(["--bind", "/a", "-E", "X=y", "--rlimit=CORE=0", "-U"], CONFIG)]
    assert found == ["--bind=/a", "-E=X=y", "--rlimit=CORE=0", "-U"]
