"""The comps file: which packages each install group has."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree


def comps_xml(groups: Mapping[str, Sequence[str]]) -> str:
    comps = ElementTree.Element("comps")
    for group, names in sorted(groups.items()):
        element = ElementTree.SubElement(comps, "group")
        fields = {"id": group, "name": group, "description": f"{group} root", "default": "false"}
        for tag, text in {**fields, "uservisible": "false"}.items():
            ElementTree.SubElement(element, tag).text = text
        packages = ElementTree.SubElement(element, "packagelist")
        for name in sorted(names):
            ElementTree.SubElement(packages, "packagereq", type="mandatory").text = name
    ElementTree.indent(comps)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(comps, encoding="unicode")}\n'
