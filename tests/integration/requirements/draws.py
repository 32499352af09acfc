"""Repos, base roots and BuildRequires drawn by lot, the same for the same seed: requirements of every kind.

The repo has all packages of the base, other versions of them, packages that are in the way of some, and packages
that need the one or the other: of the requirements that can be met, many change the base.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.unit.buildroot.xml_repo import Package

BASES, ALTERNATIVES, OTHERS = 5, 4, 7
VERSIONS = ("1", "1~rc1", "1^git2", "2", "2~beta", "3", "3^20240101")
SIGNS = ("=", ">=", "<=", ">", "<")
ODD_NAMES = ("ext(a[b])", "ext(a*)", "ext(?c)", "ext({d,e})", "ext(a[b]x)")
PRIMARY_FILES = ("/usr/bin/tool{}", "/etc/conf{}", "/usr/sbin/tool*{}")
ODD_FILES = ("/usr/share/data{}", "/opt/[{}]/x", "/usr/lib/lib?{}")
DEPTH = 3


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One drawing; `requires` are texts as a spec file has them, of which rpmbuild may refuse some.

    `group` are the packages of an install group, for an empty root.
    """

    seed: int
    base: tuple[Package, ...]
    repo: tuple[Package, ...]
    requires: tuple[str, ...]
    group: tuple[str, ...]


def draw(seed: int) -> Draw:
    """The drawing of a seed."""
    random = Random(seed)
    base = tuple(_base(random, number) for number in range(BASES))
    repo = [
        *base,
        *(_version(random, random.choice(base)) for _ in range(3)),
        *(_alternative(random, number) for number in range(ALTERNATIVES)),
        *(_other(random, number) for number in range(OTHERS)),
    ]
    random.shuffle(repo)
    unique = {package.nevra: package for package in (*repo, *base)}
    # Some of what is installed is no longer offered.
    offered = [one for one in unique.values() if one not in base or random.random() < 0.9]
    requires = tuple(dict.fromkeys(_requirement(random) for _ in range(random.choice((1, 1, 1, 2, 3)))))
    names = [*sorted({package.name for package in unique.values()}), "absent"]
    group = tuple(random.sample(names, random.randrange(1, 5)))
    return Draw(seed=seed, base=base, repo=tuple(offered), requires=requires, group=group)


def _base(random: Random, number: int) -> Package:
    needs = (f"virtual{random.randrange(number)}",) if number and random.random() < 0.4 else ()
    return Package(
        name=f"base{number}",
        version="2",
        arch=random.choice(("noarch", "x86_64")),
        provides=(f"virtual{number}", f"lib{number} = 2"),
        requires=needs,
        vendor=random.choice(("", "One")),
        files=(f"/usr/bin/base{number}",),
    )


def _version(random: Random, base: Package) -> Package:
    version = random.choice(VERSIONS)
    return Package(
        name=base.name,
        version=version,
        release="2",
        epoch=random.choice((0, 0, 0, 1)),
        arch=base.arch,
        provides=(f"virtual{base.name[-1]}", f"lib{base.name[-1]} = {version}"),
        vendor=random.choice(("", "One", "Two")),
        requires=random.choice(((), (), (f"other{random.randrange(OTHERS)}",))),
    )


def _alternative(random: Random, number: int) -> Package:
    """One that takes the place of a package of the base: by a conflict, or by its old name."""
    base = random.randrange(BASES)
    in_the_way = random.choice((f"base{base}", f"base{base} < 3"))
    obsoletes = random.random() < 0.4
    return Package(
        name=f"alternative{number}",
        version=random.choice(VERSIONS),
        arch=random.choice(("noarch", "x86_64")),
        provides=random.choice(((f"virtual{base}", f"lib{base} = 2"), (f"virtual{base}",), ())),
        conflicts=() if obsoletes else (in_the_way,),
        obsoletes=(in_the_way,) if obsoletes else (),
        files=(f"/usr/bin/alternative{number}",),
    )


def _other(random: Random, number: int) -> Package:
    requires = tuple(_need(random) for _ in range(random.choice((0, 0, 1, 1, 2))))
    conflicts: tuple[str, ...] = ()
    provides = [f"feature{random.randrange(3)}", random.choice(ODD_NAMES)]
    if random.random() < 0.15:
        conflicts = ("itself",)
        provides.append("itself")
    return Package(
        name=f"other{number}",
        version=random.choice(VERSIONS),
        epoch=random.choice((0, 0, 2)),
        arch=random.choice(("noarch", "x86_64", "x86_64", "i686")),
        provides=tuple(provides),
        requires=requires,
        conflicts=conflicts,
        recommends=random.choice(((), (f"other{random.randrange(OTHERS)}",))),
        supplements=random.choice(((), (), (f"base{random.randrange(BASES)}",))),
        files=(random.choice(PRIMARY_FILES).format(number),),
        odd_files=(random.choice(ODD_FILES).format(number),) if random.random() < 0.5 else (),
    )


def _need(random: Random) -> str:
    """What a package of the repo requires."""
    drawn = random.random()
    base = random.randrange(BASES)
    if drawn < 0.3:
        return f"alternative{random.randrange(ALTERNATIVES)}"
    if drawn < 0.5:
        return (
            f"{random.choice(('base', 'lib'))}{base} {random.choice(SIGNS)} {random.choice(('2', '3', '1'))}"
        )
    if drawn < 0.6:
        return random.choice((*PRIMARY_FILES, *ODD_FILES)).format(random.randrange(OTHERS))
    if drawn < 0.75:
        return f"(other{random.randrange(OTHERS)} if base{base} else alternative{random.randrange(ALTERNATIVES)})"
    if drawn < 0.85:
        return f"(virtual{base} with lib{base})"
    return f"other{random.randrange(OTHERS)}"


def _requirement(random: Random) -> str:
    return _rich(random, DEPTH) if random.random() < 0.5 else _simple(random)


def _rich(random: Random, depth: int) -> str:
    def operand() -> str:
        return _rich(random, depth - 1) if depth > 1 and random.random() < 0.35 else _simple(random)

    kind = random.choice(("and", "and", "or", "if", "else", "with", "without"))
    if kind in {"with", "without"}:
        number = random.randrange(BASES)
        left, right = f"virtual{number}", random.choice((f"lib{number} = 2", f"base{number}", "feature1"))
        return f"({left} {kind} {right})"
    if kind == "else":
        return f"({operand()} if {_simple(random)} else {operand()})"
    if kind == "if":
        return f"({operand()} if {operand()})"
    return "(" + f" {kind} ".join(operand() for _ in range(random.choice((2, 2, 3)))) + ")"


def _simple(random: Random) -> str:
    other = random.randrange(OTHERS)
    texts = {
        f"alternative{random.randrange(ALTERNATIVES)}": 42,
        f"other{other}": 18,
        _versioned(random): 10,
        f"base{random.randrange(BASES)}": 8,
        random.choice(ODD_NAMES): 6,
        random.choice((*PRIMARY_FILES, *ODD_FILES)).format(other): 6,
        random.choice(("virtual1", "feature0", "feature1", "itself")): 7,
        random.choice(("absent", "ext(*)", "base?", "OTHER1", "other1-1")): 3,
    }
    return random.choices(list(texts), list(texts.values()))[0]


def _versioned(random: Random) -> str:
    name = random.choice((f"base{random.randrange(BASES)}", f"other{random.randrange(OTHERS)}", "lib1"))
    epoch = random.choice(("", "", "0:", "1:", "2:"))
    release = random.choice(("", "", "-1", "-2"))
    return f"{name} {random.choice(SIGNS)} {epoch}{random.choice(VERSIONS)}{release}"


def draws(first: int, count: int) -> Sequence[Draw]:
    """Those of seeds one after the other."""
    return [draw(seed) for seed in range(first, first + count)]
