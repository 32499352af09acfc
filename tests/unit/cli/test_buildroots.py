"""What people see of the buildroots, and which one a shell is opened in."""

from pathlib import Path

import pytest

from koji_adjutant.buildroot.images.keys import image_name
from koji_adjutant.cli.buildroots import ago, described, open_cache, readable, table
from koji_adjutant.errors import ConfigError
from tests.unit.cli.cached_images import NOW, cached, use


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


def test_the_table_has_a_line_for_each_image_whatever_tags_are_called() -> None:
    (_, line) = table((cached("aa", use("dist\n\x1b[31m\u202etag", 12)),), NOW).splitlines()
    assert line.startswith("dist\\n\\x1b[31m\\u202etag  ")


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
