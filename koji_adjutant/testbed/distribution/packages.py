"""Debian packages as RPM packages: which names, dependencies and files each gets.

A package's dependencies are resolved within the set: the first alternative that the set has is taken, so that
what comes out is closed. Directories of more than one package belong to minidistro-filesystem, which every
package requires and which so is installed first.
"""

import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from koji_adjutant.testbed.distribution.debian import Relation, parse_version, relations, rpm_requirement
from koji_adjutant.testbed.distribution.debian import version_in_relation as version_text
from koji_adjutant.testbed.distribution.provided import generated_provides
from koji_adjutant.testbed.distribution.recipe import Recipe, RootLayout, account_names
from koji_adjutant.testbed.distribution.spec import Spec, file_entry
from koji_adjutant.testbed.distribution.tools import HOST_TOOLS, Tools
from koji_adjutant.testbed.distribution.trees import Tree

FILESYSTEM = "minidistro-filesystem"
_DEVELOPMENT = re.compile(r"(?:lib)?(.+?)-dev$")


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What all packages of a set have in common."""

    recipe: Recipe
    layout: RootLayout
    shared: frozenset[str]
    known: frozenset[str]
    users: dict[int, str]
    groups: dict[int, str]
    tools: Tools

    def spec(self, tree: Tree) -> Spec:
        fields = tree.fields
        summary, *description = fields.get("Description", fields["Package"]).split("\n")
        return Spec(
            name=self._name(fields["Package"]),
            version=parse_version(fields["Version"]),
            summary=summary,
            description="\n".join("" if line == "." else line for line in description),
            noarch=fields["Architecture"] == "all",
            requires=self._requires(tree),
            provides=self._provides(tree),
            scriptlets=self.recipe.scriptlets.get(fields["Package"], ""),
            files=self._files(tree),
        )

    def _name(self, debian: str) -> str:
        return self.recipe.names.get(debian, debian)

    def _requires(self, tree: Tree) -> list[str]:
        chosen = (self._choose(some) for some in relations(tree.fields, "Pre-Depends", "Depends"))
        own = self.recipe.requires.get(tree.fields["Package"], ())
        chosen_names = (rpm_requirement(relation) for relation in chosen if relation)
        return [FILESYSTEM, *own, *tree.requires, *chosen_names]

    def _choose(self, alternatives: Sequence[Relation]) -> Relation | None:
        if any(relation.name in self.recipe.dropped for relation in alternatives):
            return None
        return next((relation for relation in alternatives if relation.name in self.known), None)

    def _provides(self, tree: Tree) -> list[str]:
        fields = tree.fields
        debian = fields["Package"]
        name, evr = self._name(debian), parse_version(fields["Version"])
        aliases = [debian] if name != debian else []
        match = _DEVELOPMENT.match(debian)
        if match and not name.endswith("-devel"):
            aliases.append(f"{match[1]}-devel")
        virtual = [
            f"{relation.name} = {version_text(relation.version, exact=True)}"
            if relation.version
            else relation.name
            for (relation,) in relations(fields, "Provides")
        ]
        own = self.recipe.provides.get(debian, ())
        return [
            *(f"{alias} = {evr}" for alias in aliases),
            *virtual,
            *tree.commands,
            *own,
            *tree.provides,
            *generated_provides(tree, self.tools),
        ]

    def _files(self, tree: Tree) -> list[str]:
        return [
            file_entry(
                path,
                status.st_mode,
                user=self.users.get(status.st_uid, "root"),
                group=self.groups.get(status.st_gid, "root"),
                config=path in tree.conffiles,
            )
            for path, status in sorted(tree.paths.items())
            if path not in self.shared and path not in self.layout.files and path not in self.layout.links
        ]


def conversion(
    trees: Iterable[Tree], recipe: Recipe, layout: RootLayout, tools: Tools = HOST_TOOLS
) -> Conversion:
    owners: Counter[str] = Counter()
    known: set[str] = set()
    for tree in trees:
        owners.update(path for path, status in tree.paths.items() if stat.S_ISDIR(status.st_mode))
        known.add(tree.fields["Package"])
        known.update(relation.name for (relation,) in relations(tree.fields, "Provides"))
    shared = {path for path, count in owners.items() if count > 1} | set(layout.directories)
    return Conversion(
        recipe=recipe,
        layout=layout,
        # A merged directory is a link.
        shared=frozenset(shared - set(layout.links)),
        known=frozenset(known),
        users=account_names("passwd"),
        groups=account_names("group"),
        tools=tools,
    )
