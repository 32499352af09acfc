"""Tag settings drawn by lot, the same for the same seed: everything that a build tag can say of its buildroots."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

# What a group may have beside what it needs; of the second, what i686 has too.
MORE = (
    "bison", "cmake", "expat-devel", "flex", "gettext", "libcurl-devel", "ninja-build", "openssl-devel", "python3",
    "strace", "texinfo", "zlib-devel",
)  # fmt: skip
MORE_OF_I686 = ("curl", "git")
TYPES = ("mandatory", "default", "optional")
VALUES = (
    "plain", "two words", "%{?dist}", "100%%", "%{lua:print(1+1)}", "quoted \"so\" and 'so'", "a:b=c", "$HOME", "ünï",
    "%{expand:%{vendor}}", "/usr/lib", "0",
)  # fmt: skip
TEXTS = ("1", "two words", "a=b", "$HOME", "%dist", "ünï", "/opt/bin:/usr/bin", "semi;colon", "")
# What Koji sets itself: a tag may change the first, and the last in vain.
OVERRIDDEN = ("vendor", "packager", "distribution", "dist")
FORCED = ("_topdir", "_host", "_host_cpu")


@dataclass(frozen=True, kw_only=True)
class TagSettings:
    """One drawing."""

    seed: int
    arch: str
    extra: Mapping[str, Any]
    group: Mapping[str, str]
    """Packages of the install group that every such group does not have, and the type of each."""

    @property
    def tag(self) -> str:
        return f"dist-md-drawn-{self.seed}"

    @property
    def macros(self) -> Mapping[str, str]:
        """What the tag says of macros."""
        return _below("rpm.macro.", self.extra)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the tag says of the environment."""
        return _below("rpm.env.", self.extra)


def draw(seed: int) -> TagSettings:
    """The settings of a seed; every fourth is of i686."""
    random = Random(seed)
    arch = "i686" if seed % 4 == 0 else "x86_64"
    macros = {f"drawn_{number}": random.choice(VALUES) for number in range(random.randint(1, 5))}
    macros |= {name: random.choice(VALUES[:2]) for name in random.sample(OVERRIDDEN, random.randint(0, 2))}
    macros |= dict.fromkeys(random.sample(FORCED, random.randint(0, 2)), "/in/vain")
    variables = {f"DRAWN_{number}": random.choice(TEXTS) for number in range(random.randint(1, 4))}
    variables |= {name: random.choice(TEXTS) for name in random.sample(["LANG", "TERM", "EDITOR"], 1)}
    mock = {
        "mock.releasever": random.choice(["1", "42", "rawhide"]),
        "mock.yum.best": random.choice([0, 1]),
        "mock.yum.module_hotfixes": random.choice([0, 1]),
    }
    extra: dict[str, Any] = {key: mock[key] for key in random.sample(sorted(mock), random.randint(0, 3))}
    extra |= {f"rpm.macro.{name}": value for name, value in macros.items()}
    extra |= {f"rpm.env.{name}": value for name, value in variables.items()}
    more = random.sample(MORE_OF_I686 if arch == "i686" else MORE, 2)
    group = {name: random.choice(TYPES) for name in more}
    return TagSettings(seed=seed, arch=arch, extra=extra, group=group)


def _below(prefix: str, extra: Mapping[str, Any]) -> Mapping[str, str]:
    return {key.removeprefix(prefix): value for key, value in extra.items() if key.startswith(prefix)}
