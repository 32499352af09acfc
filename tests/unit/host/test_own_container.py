"""What a process can see of the container that it runs in."""

import socket
from pathlib import Path, PurePosixPath

import pytest

from koji_adjutant.host.own_container import Mount, mount_point, mounts, possible_ids, sees_peer

OWN, OUTER = "a1" * 32, "b2" * 32
PODMAN = f"""\
620 588 0:52 / / rw - overlay overlay rw,lowerdir=/l/AB,upperdir=/s/overlay/{"c3" * 32}/diff
621 620 0:55 / /proc rw - proc proc rw
630 620 0:24 /{OUTER}/files /data rw - tmpfs tmpfs rw
631 620 0:24 /containers/storage/overlay-containers/{OWN}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw
632 620 0:24 /containers/storage/overlay-containers/{OWN}/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw
633 620 8:1 /volumes/with\\040space /srv/with\\040space rw - ext4 /dev/sda rw
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(PODMAN)
    return file


def ids(tmp_path: Path, table: str, groups: str = "0::/\n", name: str = "worker") -> list[str]:
    for file, content in (("mountinfo", table), ("cgroup", groups), ("hostname", f"{name}\n")):
        (tmp_path / file).write_text(content)
    return list(possible_ids(tmp_path / "mountinfo", tmp_path / "cgroup", tmp_path / "hostname"))


def test_the_files_that_an_engine_binds_tell_the_id(tmp_path: Path) -> None:
    assert ids(tmp_path, PODMAN) == [OWN]


def test_so_do_control_groups_and_a_host_name_that_nobody_chose(tmp_path: Path) -> None:
    assert ids(tmp_path, "1 0 0:1 / / rw - overlay o rw\n", f"4:pids:/libpod_parent/libpod-{OUTER}\n") == [
        OUTER
    ]
    assert ids(tmp_path, "1 0 0:1 / / rw - overlay o rw\n", name=OWN[:12]) == [OWN[:12]]
    assert ids(tmp_path, PODMAN, f"0::/libpod-{OUTER}\n", OWN[:12]) == [OWN, OUTER, OWN[:12]]


def test_a_machine_has_none(tmp_path: Path) -> None:
    assert ids(tmp_path, "22 1 8:1 / / rw - ext4 /dev/sda rw\n") == []


def test_the_mount_that_a_path_is_on(table: Path) -> None:
    known = mounts(table)
    assert Mount(root="/volumes/with space", point="/srv/with space") in known
    assert mount_point(PurePosixPath("/srv/with space/deep/er"), known) == "/srv/with space"
    assert mount_point(PurePosixPath("/srv/with"), known) == "/"
    assert mount_point(PurePosixPath("/datastore"), known) == "/"
    assert mount_point(PurePosixPath("/data"), known) == "/data"


def test_the_peer_of_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    assert sees_peer(path), "nobody listens"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        assert sees_peer(path)
