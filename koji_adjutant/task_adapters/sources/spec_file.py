"""The spec file of a checkout: which one it is, and what it may not begin with (kojid-facts 4.8).

Read on this host, where nothing of the package has run; a link that leads out of the checkout is not followed.
"""

import re
from pathlib import Path

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed

HEAD_BYTES = 4096
TAGS = ("Packager", "Distribution", "Vendor")


def find_spec(directory: Path, tree: Path, *, with_layout: bool) -> Path:
    """The spec file in a module's directory of the checkout `tree`; with the layout, else that in SPECS."""
    found = _specs(directory)
    if not found and with_layout:
        found = _specs(directory / "SPECS")
    if not found:
        raise BuildFailed("No spec file found")
    if len(found) > 1:
        wanted = f"{directory.name}.spec"
        found = [path for path in found if path.name == wanted] or found
    if len(found) > 1:
        listed = ", ".join(names.shown(path.name) for path in found)
        raise BuildFailed(f"Multiple spec files found but none is matching SCM checkout dir name: {listed}")
    spec = found[0]
    names.file_name(spec.name, "spec file", BuildFailed)
    if not (spec.is_file() and spec.resolve().is_relative_to(tree.resolve())):
        raise BuildFailed(f"the spec file {names.shown(spec.name)} is no file of the checkout")
    return spec


def _specs(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("*.spec") if not path.name.startswith("."))


def check_spec(spec: Path) -> None:
    """BuildFailed for a spec file that sets what the build system sets, as its first words: kojid looks no further."""
    with spec.open("rb") as file:
        head = file.read(HEAD_BYTES).decode(errors="replace")
    for tag in TAGS:
        if head.startswith(f"{tag}:"):
            raise BuildFailed(f"{tag} is not allowed to be set in spec file")
    for tag in TAGS:
        name = tag.lower()
        if re.match(rf"%define\s+{name}\s+", head):
            raise BuildFailed(f"{name} is not allowed to be defined in spec file")
