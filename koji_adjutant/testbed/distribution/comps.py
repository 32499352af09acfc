"""The comps file: which packages each install group has."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET


def comps_xml(groups: Mapping[str, Sequence[str]]) -> str:
    comps = ET.Element("comps")
    for group, names in sorted(groups.items()):
        element = ET.SubElement(comps, "group")
        fields = {"id": group, "name": group, "description": f"{group} root", "default": "false"}
        for tag, text in {**fields, "uservisible": "false"}.items():
            ET.SubElement(element, tag).text = text
        packages = ET.SubElement(element, "packagelist")
        for name in sorted(names):
            ET.SubElement(packages, "packagereq", type="mandatory").text = name
    ET.indent(comps)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(comps, encoding="unicode")}\n'
