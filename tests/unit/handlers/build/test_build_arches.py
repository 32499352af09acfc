"""Which architectures a package is built for, and by which tasks."""

from typing import Any

import pytest

from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.build.build_arches import build_arches, task_arch
from koji_adjutant.handlers.source_header import SourceHeader


def tag(arches: str = "x86_64 i686 aarch64", **extra: str) -> dict[str, Any]:
    return {"id": 2, "name": "dist-build", "arches": arches, "extra": extra}


def package(**lists: Any) -> SourceHeader:
    return SourceHeader(name="p", version="1", release="1", **lists)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (package(), ("x86_64", "i686", "aarch64")),
        (package(buildarchs=("noarch",)), ("noarch",)),
        (package(buildarchs=("noarch",), exclusivearch=("x86_64", "noarch")), ("noarch",)),
        (package(buildarchs=("noarch",), exclusivearch=("x86_64",)), ("noarch",)),
        (package(exclusivearch=("x86_64", "s390x")), ("x86_64",)),
        (package(exclusivearch=("x86_64", "noarch")), ("x86_64", "noarch")),
        (package(excludearch=("i686",)), ("x86_64", "aarch64")),
        (package(buildarchs=("x86_64", "ppc64")), ("x86_64",)),
    ],
)
def test_package_decides(header: SourceHeader, expected: tuple[str, ...]) -> None:
    assert build_arches(tag(), header) == expected


def test_extra_arches_are_of_the_tag() -> None:
    assert build_arches(tag("i386"), package(), extra="i686 x86_64") == ("i386", "i686")


def test_override_replaces_all() -> None:
    header = package(exclusivearch=("aarch64",))
    assert build_arches(tag(), header, override="i686 s390x noarch") == ("i686", "noarch")


def test_nothing_left() -> None:
    start = "^No matching arches were found: .*p-1-1 asks for "
    with pytest.raises(
        BuildFailed, match=start + "ExclusiveArch: s390x; ExcludeArch: i686, tag dist-build has i386"
    ):
        build_arches(tag("i386"), package(exclusivearch=("s390x",), excludearch=("i686",)), extra="i586")
    with pytest.raises(BuildFailed, match=start + "aarch64, tag dist-build has i386"):
        build_arches(tag("i386"), package(), override="aarch64")


def test_tag_without_arches() -> None:
    with pytest.raises(BuildFailed, match=r"No arches for tag dist-build \[2\]"):
        build_arches(tag(""), package())


def never() -> dict[str, Any]:
    raise AssertionError("the tag's configuration is not wanted for a binary architecture")


def test_task_of_binary_arch_is_canonical() -> None:
    assert task_arch("i686", never) == "i386"
    assert task_arch("i686", never, literal="s390* i?86") == "i686"


@pytest.mark.parametrize(
    ("header", "config"),
    [
        (None, tag()),
        (package(), tag()),
        (package(excludearch=("s390x",)), tag()),
        (package(), tag(noarch_arches="aarch64 i686 x86_64")),
    ],
)
def test_noarch_anywhere(header: SourceHeader | None, config: dict[str, Any]) -> None:
    assert task_arch("noarch", lambda: config, header=header) == "noarch"


@pytest.mark.parametrize(
    ("header", "config", "choices"),
    [
        (package(exclusivearch=("x86_64", "aarch64")), tag(), ["x86_64", "aarch64"]),
        (package(excludearch=("i686",)), tag(), ["x86_64", "aarch64"]),
        (None, tag(noarch_arches="aarch64 s390x"), ["aarch64"]),
        (package(excludearch=("aarch64",)), tag(noarch_arches="aarch64 x86_64"), ["x86_64"]),
    ],
)
def test_noarch_narrowed(header: SourceHeader | None, config: dict[str, Any], choices: list[str]) -> None:
    seen: list[str] = []

    def choose(allowed: Any) -> str:
        seen.extend(allowed)
        return str(allowed[-1])

    assert task_arch("noarch", lambda: config, header=header, choose=choose) == choices[-1]
    assert seen == choices


def test_noarch_nowhere() -> None:
    header = package(exclusivearch=("s390x",))
    with pytest.raises(BuildFailed, match="No valid arches were found"):
        task_arch("noarch", tag, header=header)
