"""Packages that exist in metadata only."""

from xml.etree import ElementTree as ET

from koji_adjutant.testbed.synthetic.packages import identity, package, vocabulary

WORDS = vocabulary(7, 1000)


def test_all_of_it_follows_from_seed_and_number() -> None:
    assert package(vocabulary(7, 1000), 5) == package(WORDS, 5)
    assert package(vocabulary(8, 1000), 5) != package(WORDS, 5)


def test_no_two_have_one_name() -> None:
    assert len({identity(WORDS, number).name for number in range(500)}) == 500


def test_every_hundredth_has_a_new_release_in_the_next_generation() -> None:
    numbers = range(1000)
    changed = [number for number in numbers if identity(WORDS, number, 1) != identity(WORDS, number)]
    assert len(changed) == 10
    kept = next(number for number in numbers if number not in changed)
    assert package(WORDS, kept, 1) == package(WORDS, kept)


def test_the_three_files_speak_of_one_package() -> None:
    texts = package(WORDS, 42)
    own = identity(WORDS, 42)
    primary = ET.fromstring(texts.primary.replace("<rpm:", "<").replace("</rpm:", "</"))
    assert primary.findtext("name") == own.name
    pkgid = primary.findtext("checksum")
    for other in (texts.filelists, texts.other):
        assert ET.fromstring(other).attrib == {"pkgid": pkgid, "name": own.name, "arch": own.arch}
    location = primary.find("location")
    assert location is not None
    assert location.attrib["href"].endswith(f"/{own.nvra}.rpm")
