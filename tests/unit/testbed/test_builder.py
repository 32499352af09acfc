"""The configuration of the testbed's build host."""

import stat
from pathlib import Path

from koji_adjutant.config import load_config
from koji_adjutant.testbed.builder import BuildHost, log_of, write_kojid_conf
from koji_adjutant.testbed.layout import Layout

SECRET = "not-to-be-told"


def host(**options: dict[str, str]) -> BuildHost:
    chosen = {"kojid": {}, "adjutant": {}, **options}
    return BuildHost(
        server="http://127.0.0.1/kojihub",
        topurl="http://127.0.0.1/kojifiles",
        topdir=Path("/topdir"),
        password=SECRET,
        podman_socket=Path("/engine/podman.sock"),
        task_image="localhost/task:1",
        solver_network="bridge",
        **chosen,
    )


def test_the_daemon_reads_it(layout: Layout) -> None:
    write_kojid_conf(layout, host())
    config = load_config(layout.kojid_conf, environment={})
    assert config.password == SECRET
    assert str(config.podman_socket) == "/engine/podman.sock"
    assert (config.task_image_default, config.state_dir) == ("localhost/task:1", layout.state_dir)
    assert Path(config.workdir).is_relative_to(layout.builder)
    assert stat.S_IMODE(layout.kojid_conf.stat().st_mode) == 0o600


def test_what_a_testbed_is_given_goes_before_what_it_has(layout: Layout) -> None:
    write_kojid_conf(layout, host(kojid={"maxjobs": "2"}, adjutant={"max_load_per_cpu": "5"}))
    config = load_config(layout.kojid_conf, environment={})
    assert (config.maxjobs, config.max_load_per_cpu) == (2, 5.0)


def test_what_it_says_is_kept_with_the_testbed(layout: Layout) -> None:
    assert log_of(layout).parent == layout.logs
