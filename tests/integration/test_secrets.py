"""No password, key or token of the testbed stands where others may read it. Runs last, over all that was logged."""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from koji_adjutant.testbed.client import koji_command
from tests.integration.running import Testbed

pytestmark = pytest.mark.podman

CHUNK = 1 << 20
KEY_END = re.compile(rb"-[0-9a-f]{24}")
"""How the key of a session ends, after the number of its user: there are hundreds of them, and logs are long."""
PRIVATE = {"hub.sqlite", "hub.sqlite-wal", "hub.sqlite-shm", "kojid.conf", "administrator"}


def secrets_of(testbed: Testbed) -> list[bytes]:
    """Both passwords, and the key of every session there has been."""
    passwords = [testbed.layout.administrator.read_text(), testbed.config.password or ""]
    with sqlite3.connect(f"file:{testbed.layout.hub / 'hub.sqlite'}?mode=ro", uri=True) as database:
        keys = [str(key) for (key,) in database.execute("SELECT key FROM sessions")]
    database.close()
    found = [secret.encode() for secret in (*passwords, *keys)]
    assert len(found) > 3
    assert min(len(secret) for secret in found) > 10
    assert all(KEY_END.search(key.encode()) for key in keys)
    return found


def files(testbed: Testbed) -> Iterator[Path]:
    """Whatever the testbed wrote, but for the engine's storage and what only its owner may read."""
    for top in (testbed.layout.logs, testbed.layout.builder, testbed.topdir):
        # A task that ends takes its directories along while they are walked through.
        for directory, _, names in os.walk(top):
            for path in (Path(directory, name) for name in names if name not in PRIVATE):
                if path.is_file() and not path.is_symlink():
                    yield path
    yield from (testbed.layout.description, testbed.layout.client_conf, testbed.engine.home / "service.log")


def secrets_in(path: Path, secrets: list[bytes]) -> list[str]:
    """Which of them a file has, also where a chunk ends in the middle of one; one that is gone has none."""
    ends = {end[0]: secret for secret in secrets if (end := KEY_END.search(secret))}
    others = [re.escape(secret) for secret in secrets if secret not in ends.values()]
    wanted = re.compile(b"|".join([KEY_END.pattern, *others]))
    overlap, tail, found = max(map(len, secrets)), b"", set[bytes]()
    with suppress(FileNotFoundError), path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found |= {ends.get(one, one) for one in wanted.findall(tail + chunk)}.intersection(secrets)
            tail = chunk[-overlap:]
    return [f"{path}: {secret.decode()}" for secret in found]


def test_the_search_finds_a_secret(tmp_path: Path) -> None:
    planted = tmp_path / "log"
    key, other = b"12-" + b"5a" * 12, b"3-" + b"07" * 12
    planted.write_bytes(b"x" * (CHUNK - 3) + b"secret-word" + b"y" * (CHUNK - 11) + key + b"z")
    assert secrets_in(planted, [b"secret-word"]) == [f"{planted}: secret-word"]
    assert secrets_in(planted, [b"other-word-that-is-longer", key, other]) == [f"{planted}: {key.decode()}"]


def test_no_file_tells(testbed: Testbed) -> None:
    assert testbed.build(testbed.srpm("hello"), "--scratch").returncode == 0
    assert testbed.layout.journal in set(files(testbed))
    secrets = secrets_of(testbed)
    told = [line for path in files(testbed) for line in secrets_in(path, secrets)]
    assert not told, "\n".join(told)


def test_private_files_are_private(testbed: Testbed) -> None:
    for path in (
        testbed.layout.kojid_conf,
        testbed.layout.administrator,
        *testbed.layout.hub.glob("hub.sqlite*"),
    ):
        assert path.stat().st_mode & 0o777 == 0o600, path
    # A group may go through it, to what is shown.
    assert testbed.layout.state_dir.stat().st_mode & 0o777 == 0o710
    # podman makes every directory above its own passable (0711) for containers in a user namespace.
    assert testbed.layout.directory.stat().st_mode & 0o777 in {0o700, 0o711}


def test_nothing_that_runs_tells(testbed: Testbed) -> None:
    """Command lines of all processes, and all that the engine knows of containers and images, during a build."""
    build = koji_command(testbed.layout, "build", "--wait", "--scratch", "dist-md", testbed.srpm("hello"))
    seen: set[bytes] = set()
    containers = 0
    with subprocess.Popen(build, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        while client.poll() is None:
            seen |= command_lines()
            inspected = inspected_containers(testbed)
            containers = max(containers, len(inspected))
            seen |= {json.dumps(one).encode() for one in inspected}
    seen.add(testbed.engine.podman("images", "--format=json").encode())
    assert client.returncode == 0
    assert containers
    assert any(b"kojid" in line for line in seen)
    told = [line for secret in secrets_of(testbed) for line in seen if secret in line]
    assert not told


def command_lines() -> set[bytes]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.add(path.read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def inspected_containers(testbed: Testbed) -> list[object]:
    """Those that are still there when they are looked at."""
    found = []
    for container in testbed.engine.podman("ps", "--all", "--quiet", "--no-trunc").split():
        done = subprocess.run(
            ["podman", "inspect", container],
            env=dict(testbed.engine.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        found += json.loads(done.stdout or "[]")
    return found
