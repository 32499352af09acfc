"""What root.log says of packages that came with an image: nothing was solved or installed then that would tell.

The log is read by people and by tools, and a build whose root was there before has one like any other. Pure.
"""

from koji_adjutant.buildroot.package_store import Solution
from koji_adjutant.buildroot.usage import Kind

TITLES: dict[Kind, str] = {"base": "install group", "requires": "BuildRequires"}


def came_with(image: str, kind: Kind, solution: Solution) -> bytes:
    """A title, and a line for each package, as the solver writes them."""
    lines = [
        f"{TITLES[kind]}: {len(solution.install)} packages, from image {image}",
        *(f"{'Install':10} {package.nevra}" for package in solution.install),
        *(f"{'Remove':10} {name}" for name in sorted(solution.remove)),
    ]
    return "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
