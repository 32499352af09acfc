"""What people see of the buildroots, and which one a shell is opened in."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.buildroot.cached_images import CachedImage
from koji_adjutant.buildroot.images import image_name
from koji_adjutant.buildroot.settings import BUILD_IDS, HOME
from koji_adjutant.buildroot.usage import KeptImage, TagUse, UsageRecord, UsageRecords
from koji_adjutant.cli.buildroots import Cache, ago, described, open_cache, readable, table
from koji_adjutant.cli.shell import newest, shell_spec
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.container.terminal import Console
from koji_adjutant.errors import BuildrootFailed, ConfigError

NOW = 1_000_000.0


def cached(key: str, *tags: TagUse, **changes: str | float) -> CachedImage:
    record = UsageRecord(
        key=key,
        kind="base",
        arch="x86_64",
        group="build",
        packages=149,
        tags=tags,
        created=NOW - 9000,
        last_used=NOW - 7300,
        hits=12,
    )
    image = KeptImage(id=f"id-{key}", size=700 << 20, created=NOW - 9000, worker="w")
    known = {name: value for name, value in changes.items() if name in UsageRecord.__dataclass_fields__}
    return CachedImage(
        record=replace(record, **known),  # type: ignore[arg-type]
        image=replace(image, base_key=str(changes.get("base_key", ""))),
        name=image_name(key),
        own_size=700 << 20,
    )


def use(name: str, *repos: int) -> TagUse:
    return TagUse(tag_name=name, tag_id=1, repo_ids=repos, last_used=NOW)


def test_the_table() -> None:
    images = (
        cached("aa", use("dist-build", 12, 11), use("side-build", 13)),
        cached("bb", kind="requires", packages=0, last_used=0.0),
    )
    assert table(images, NOW).splitlines() == [
        "TAG                    ARCH    GROUP  KIND      REPOS     PACKAGES  SIZE     LAST USED    HITS",
        "dist-build,side-build  x86_64  build  base      13,12,11  149       700 MiB  2 hours ago  12",
        "-                      x86_64  build  requires  -         -         700 MiB  never        12",
    ]


def test_an_image_for_programs() -> None:
    found = described(cached("aa", use("dist-build", 12)))
    assert found["name"] == image_name("aa")
    assert (found["image"], found["size"], found["worker"], found["hits"]) == ("id-aa", 700 << 20, "w", 12)
    assert list(found["tags"]) == [
        {"tag_name": "dist-build", "tag_id": 1, "repo_ids": (12,), "last_used": NOW}
    ]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "2 KiB"), (700 << 20, "700 MiB"), (50 << 30, "50.0 GiB")],
)
def test_sizes(size: int, text: str) -> None:
    assert readable(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 seconds ago"),
        (1, "1 second ago"),
        (119, "1 minute ago"),
        (7200, "2 hours ago"),
        (9e5, "10 days ago"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    assert ago(seconds) == text


def test_a_shell_is_opened_in_the_image_of_the_newest_repo() -> None:
    images = (
        cached("aa", use("dist-build", 11), use("other", 90)),
        cached("bb", use("dist-build", 12)),
        cached("cc", use("dist-build", 14), kind="requires", base_key="aa"),
        cached("dd", use("dist-build", 15), group="srpm-build"),
        cached("ee", use("dist-build", 16), arch="i686"),
        cached("ff", use("another-build", 17)),
    )
    assert newest(images, "dist-build", arch="x86_64", group="build").record.key == "bb"
    assert newest(images, "dist-build", arch=None, group="build").record.key == "ee"
    assert newest(images, "dist-build", arch=None, group="srpm-build").record.key == "dd"
    with pytest.raises(BuildrootFailed, match="no buildroot image of tag none, group build, arch i686"):
        newest(images, "none", arch="i686", group="build")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    config = Config(server="http://h", topurls=("http://h",), state_dir=tmp_path)
    manager = PodmanManager(str(tmp_path / "none.sock"), Timeouts())
    yield Cache(config=config, manager=manager, records=UsageRecords(config.cache_dir), worker="w")
    manager.close()


@pytest.mark.parametrize("is_root", [False, True])
def test_the_container_of_a_shell_is_a_builds(cache: Cache, is_root: bool) -> None:
    chosen = cached("aa", use("dist-build", 1))
    spec = shell_spec(cache, chosen, "dist-build", Console(), is_root=is_root)
    assert (spec.network, spec.capabilities, spec.no_new_privileges) == ("none", frozenset(), True)
    assert spec.image == "id-aa"
    assert spec.image_hosts
    assert spec.labels[labels.ROLE] == labels.Role.SHELL
    assert labels.TASK not in spec.labels
    user, home = ("0:0", "/root") if is_root else (":".join(map(str, BUILD_IDS)), HOME)
    assert (spec.user, spec.environment["HOME"]) == (user, home)


def test_a_32_bit_buildroot_sees_a_32_bit_machine(cache: Cache) -> None:
    spec = shell_spec(cache, cached("aa", arch="i386"), "dist-build", Console(), is_root=False)
    assert spec.command[:2] == ("/usr/bin/setarch", "i686")


def test_a_state_directory_of_somebody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(
        f"[kojid]\nserver=http://h/kojihub\ntopurl=http://h/k\n[adjutant]\nstate_dir={tmp_path}\n"
    )

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("koji_adjutant.cli.buildroots._worker", lambda config: refuse(config.state_dir))
    with pytest.raises(ConfigError, match="Permission denied; run as the daemon's user"), open_cache(file):
        pass
