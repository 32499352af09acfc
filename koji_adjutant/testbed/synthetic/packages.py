"""Packages that exist in metadata only: what each says of itself in primary, filelists and other.

All of it follows from a seed and a number. Names, files and capabilities are of nobody else, so that no
installation from the real packages beside them ever takes one. Pure functions; the vocabulary is made once a run.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from koji_adjutant.testbed.synthetic.repodata import TIME

PERCENT = 100
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_KINDS = ("", "-libs", "-devel", "-doc", "-data", "-plugins")
_EXTENSIONS = (".so", ".h", ".py", ".html", ".png", ".mo", ".txt", ".xml", ".js", "")
_PLACES = (
    "/usr/lib64/",
    "/usr/share/",
    "/usr/include/",
    "/usr/share/doc/",
    "/usr/lib/python3.12/site-packages/",
)
# Most packages have few files, some have thousands.
_FILES_MEDIAN, _FILES_SPREAD, _FILES_MOST = 3.2, 1.25, 4000
_LINES_OF_TEXT = (1, 4)
_NOARCH, _WITH_COMMAND = 0.35, 0.3


@dataclass(frozen=True, kw_only=True)
class Texts:
    """One package, as its XML elements in primary, filelists and other."""

    primary: str
    filelists: str
    other: str


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What packages are put together from."""

    seed: int
    words: Sequence[str]
    leaves: Sequence[str]
    requirements: Sequence[str]
    """Entries of primary.xml, those that many packages have repeated."""


def vocabulary(seed: int, packages: int) -> Vocabulary:
    """The words of a repository of so many packages."""
    random = _random(seed)
    words = ["".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in range(6000)]
    leaves = [
        f"{first}{join}{second}{extension}"
        for first, join, second, extension in zip(
            random.choices(words, k=40_000),
            random.choices("-_/.", k=40_000),
            random.choices(words, k=40_000),
            random.choices(_EXTENSIONS, k=40_000),
            strict=True,
        )
    ]
    popular = [_soname(int(packages * random.random() ** 6)) for _ in range(3000)]
    rare = [_soname(random.randrange(packages)) for _ in range(3000)]
    requirements = [f'      <rpm:entry name="{name}"/>\n' for name in [*popular, *rare]]
    return Vocabulary(seed=seed, words=words, leaves=leaves, requirements=requirements)


def _random(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same every time is what is wanted


def _soname(number: int) -> str:
    return f"libsynthetic{number}.so.1()(64bit)"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which package it is."""

    first: str
    second: str
    number: int
    kind: str
    version: str
    release: str
    arch: str

    @property
    def name(self) -> str:
        return f"{self.first}-{self.second}-{self.number}{self.kind}"

    @property
    def nvra(self) -> str:
        return f"{self.name}-{self.version}-{self.release}.{self.arch}"


def identity(vocabulary: Vocabulary, number: int, generation: int = 0) -> Identity:
    """Package `number`. From one generation to the next, every hundredth package has a new release."""
    random = _random(vocabulary.seed << 32 | number)
    first, second = random.choices(vocabulary.words, k=2)
    return Identity(
        first=first,
        second=second,
        number=number,
        kind=random.choice(_KINDS),
        version=f"{random.randint(0, 40)}.{random.randint(0, 30)}.{random.randint(0, 9)}",
        release=f"{1 + (number % PERCENT + generation) // PERCENT}.sy1",
        arch="noarch" if random.random() < _NOARCH else "x86_64",
    )


def package(vocabulary: Vocabulary, number: int, generation: int = 0) -> Texts:
    """What is said of package `number`."""
    own = identity(vocabulary, number, generation)
    random = _random(vocabulary.seed << 32 | number | 1 << 31)
    pkgid = hashlib.sha256(f"{vocabulary.seed} {own.nvra}".encode()).hexdigest()
    head = (
        f'<package pkgid="{pkgid}" name="{own.name}" arch="{own.arch}">\n'
        f'  <version epoch="0" ver="{own.version}" rel="{own.release}"/>\n'
    )
    commands = [f"/usr/bin/{own.first}{number}"] if random.random() < _WITH_COMMAND else []
    files = [*commands, *_files(vocabulary, random, own.name)]
    listed = "".join([f"  <file>{path}</file>\n" for path in files])
    change = " ".join(random.choices(vocabulary.words, k=8))
    author = f"{own.first} {own.second} &lt;{own.first}@example.org&gt; - {own.version}-1"
    return Texts(
        primary=_primary(vocabulary, random, own, pkgid, commands),
        filelists=f"{head}{listed}</package>\n",
        other=f'{head}  <changelog author="{author}" date="{TIME}">- {change}</changelog>\n</package>\n',
    )


def _files(vocabulary: Vocabulary, random: Random, name: str) -> list[str]:
    count = min(int(random.lognormvariate(_FILES_MEDIAN, _FILES_SPREAD)), _FILES_MOST)
    top = f"{random.choice(_PLACES)}{name}/"
    return [top + leaf for leaf in dict.fromkeys(random.choices(vocabulary.leaves, k=count))]


def _primary(
    vocabulary: Vocabulary, random: Random, of: Identity, pkgid: str, commands: Sequence[str]
) -> str:
    words = vocabulary.words
    lines = random.randint(*_LINES_OF_TEXT)
    description = "\n".join(" ".join(random.choices(words, k=10)) for _ in range(lines))
    size = random.randint(8_000, 4_000_000)
    flags = f'flags="EQ" epoch="0" ver="{of.version}" rel="{of.release}"'
    (licence,) = random.choices(words)
    requires = "".join(dict.fromkeys(random.choices(vocabulary.requirements, k=random.randint(2, 16))))
    return (
        f'<package type="rpm">\n  <name>{of.name}</name>\n  <arch>{of.arch}</arch>\n'
        f'  <version epoch="0" ver="{of.version}" rel="{of.release}"/>\n'
        f'  <checksum type="sha256" pkgid="YES">{pkgid}</checksum>\n'
        f"  <summary>{' '.join(random.choices(words, k=6))}</summary>\n"
        f"  <description>{description}</description>\n  <packager>Synthetic</packager>\n"
        f"  <url>https://{licence}.example.org/{of.name}</url>\n"
        f'  <time file="{TIME}" build="{TIME}"/>\n'
        f'  <size package="{size}" installed="{size * 3}" archive="{size * 3 + 640}"/>\n'
        f'  <location href="Packages/{of.name[0]}/{of.nvra}.rpm"/>\n'
        f"  <format>\n    <rpm:license>{licence}</rpm:license>\n    <rpm:vendor>Synthetic</rpm:vendor>\n"
        f"    <rpm:group>Unspecified</rpm:group>\n    <rpm:buildhost>synthetic.example.org</rpm:buildhost>\n"
        f"    <rpm:sourcerpm>{of.name}-{of.version}-{of.release}.src.rpm</rpm:sourcerpm>\n"
        f'    <rpm:header-range start="4504" end="{4504 + size // 50}"/>\n    <rpm:provides>\n'
        f'      <rpm:entry name="{of.name}" {flags}/>\n      <rpm:entry name="{of.name}(x86-64)" {flags}/>\n'
        f'      <rpm:entry name="{_soname(of.number)}"/>\n    </rpm:provides>\n'
        f"    <rpm:requires>\n{requires}    </rpm:requires>\n"
        f"{''.join(f'    <file>{path}</file>{chr(10)}' for path in commands)}  </format>\n</package>\n"
    )
