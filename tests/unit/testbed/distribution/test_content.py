"""Groups of the distribution."""

from xml.etree import ElementTree as ET

from koji_adjutant.testbed.distribution.content import comps_xml


def test_comps_file_has_the_groups_sorted() -> None:
    root = ET.fromstring(comps_xml({"b": ["z", "a"], "a": ["gcc-c++"]}))
    assert [group.findtext("id") for group in root.iterfind("group")] == ["a", "b"]
    assert [one.text for one in root.iterfind("group[id='b']/packagelist/packagereq")] == ["a", "z"]
    assert {one.get("type") for one in root.iter("packagereq")} == {"mandatory"}
