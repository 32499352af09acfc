"""What a plugin may govern, read from its text and never by running it.

A plugin registers task handlers by classes with `Methods`, and callbacks by Koji's decorator, by its function, or by an
attribute of what it defines. What is written in another way than as literals is a gap: the text does not say then what
the plugin does, and whoever asks has to reckon with anything. A gap is never silent, it names its line.
"""

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import koji.tasks

from koji_adjutant.policy.methods import BUILDER_CALLBACKS, OF_KOJID

METHODS = "Methods"
CALLBACKS = "callbacks"
KOJI_PLUGIN = "koji.plugin"
REGISTRARS = frozenset({"callback", "register_callback"})
KNOWN = sys.stdlib_module_names | {"koji", "six", "__main__", "__future__"}
"""Modules whose names bring no handler and no callback of a plugin's into its namespace."""
IN_THE_DARK = frozenset({"__import__", "eval", "exec", "globals", "locals", "vars"})
LOADERS = frozenset({"imp", "importlib", "pkgutil", "runpy"})
KOJID_CLASSES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("BaseBuildTask", "BuildImageTask", "BuildRoot", "ImageTask", "SCM"), ()),
    **{method.kojid_class: (method.name,) for method in OF_KOJID.values() if method.kojid_class},
}
"""What plugins inherit from kojid itself, with the methods that come along."""
_QUOTED = re.compile(r"""['"]([A-Za-z_][A-Za-z0-9_]*)['"]""")


@dataclass(frozen=True, kw_only=True)
class PluginSource:
    """What the text of a plugin says about the plugin."""

    methods: frozenset[str] = frozenset()
    """The methods of the plugin's task handlers."""
    callbacks: frozenset[str] = frozenset()
    """The callbacks that the plugin registers for."""
    fires: frozenset[str] = frozenset()
    """The callbacks that the plugin's own handlers run."""
    words: frozenset[str] = frozenset()
    """Every word in quotes: where there are gaps, each may be the name of a method."""
    gaps: tuple[str, ...] = ()
    """Why the other fields may not be complete."""


def read_source(path: Path | None) -> PluginSource:
    """Read a plugin's text; with none, or one that is no Python, there is one gap and nothing else is known."""
    if path is None:
        return PluginSource(gaps=("there is no such file",))
    if path.suffix != ".py":
        return PluginSource(gaps=(f"{path.name} is no Python text",))
    try:
        text = path.read_bytes()
    except OSError as error:
        return PluginSource(gaps=(f"it cannot be read: {error.strerror}",))
    words = frozenset(_QUOTED.findall(text.decode(errors="replace")))
    try:
        tree = ast.parse(text, filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return PluginSource(words=words, gaps=(f"it is no Python: {error}",))
    reader = _Reader(tree)
    return PluginSource(
        methods=frozenset(reader.methods),
        callbacks=frozenset(reader.callbacks),
        fires=frozenset(reader.fires),
        words=words,
        gaps=tuple(dict.fromkeys(reader.gaps)),
    )


class _Reader(ast.NodeVisitor):
    """Goes over the text once. `names` are what its imports bind, by their full names."""

    def __init__(self, tree: ast.Module) -> None:
        self.methods: set[str] = set()
        self.callbacks: set[str] = set()
        self.fires: set[str] = set()
        self.gaps: list[str] = []
        self._names: dict[str, str] = {}
        self._understood: set[ast.AST] = set()
        self._constants = dict(_constants(tree))
        self._classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._bind(node)
        for statement in tree.body:
            self._look_for_foreign(statement)
        self.visit(tree)

    def _gap(self, node: ast.AST, what: str) -> None:
        self.gaps.append(f"line {getattr(node, 'lineno', 0)}: {what}")

    # Names

    def _bind(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                self._names[alias.asname or top] = alias.name if alias.asname else top
            return
        module = node.module or ""
        if node.level or module.partition(".")[0] not in KNOWN:
            self._gap(node, f"what comes from {'.' * node.level}{module} is not read")
        for alias in node.names:
            if alias.name != "*":
                self._names[alias.asname or alias.name] = f"{module}.{alias.name}"
            elif module == KOJI_PLUGIN:
                self._names |= {name: f"{KOJI_PLUGIN}.{name}" for name in (*REGISTRARS, CALLBACKS)}
            elif module == "__main__":
                self._gap(node, "everything of kojid is imported")

    def _full_name(self, node: ast.AST) -> str:
        """`koji.plugin.callback` for whatever the text calls it; empty for what is no name."""
        match node:
            case ast.Name(id=name):
                return self._names.get(name, name)
            case ast.Attribute(value=value, attr=name):
                above = self._full_name(value)
                return f"{above}.{name}" if above else ""
            case _:
                return ""

    def _look_for_foreign(self, statement: ast.stmt) -> None:
        """A name at the top that is taken out of a module which is not read may be a handler or a callback."""
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            return
        for node in ast.walk(statement.value):
            if isinstance(node, ast.Name) and node.id in self._names:
                top = self._names[node.id].partition(".")[0]
                if top not in KNOWN:
                    self._gap(statement, f"what comes from {top} is not read")

    # Handlers

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """A class with `Methods` of its own, or of what it inherits from."""
        has_methods = False
        for statement in node.body:
            for name, value in _assigned(statement):
                if name == METHODS:
                    has_methods = True
                    self._take(statement, value, self.methods, METHODS)
                elif name == CALLBACKS:
                    self._take(statement, value, self.callbacks, CALLBACKS)
        if not has_methods:
            for base in node.bases:
                self._inherit(base)
        self.generic_visit(node)

    def _inherit(self, base: ast.expr) -> None:
        name = self._full_name(base)
        top, _, last = name.rpartition(".")
        if name in self._classes or hasattr(builtins, name):
            return
        if top == "koji.tasks" and hasattr(koji.tasks, last):
            self.methods.update(getattr(getattr(koji.tasks, last), METHODS, ()))
        elif top == "__main__" and last in KOJID_CLASSES:
            self.methods.update(KOJID_CLASSES[last])
        elif name.partition(".")[0] not in sys.stdlib_module_names or top == "__main__":
            self._gap(base, f"the methods of {name or 'a class'} are unknown")

    def _take(self, node: ast.AST, value: ast.expr | None, into: set[str], what: str) -> None:
        strings = None if value is None else self._strings(value)
        if strings is None:
            self._gap(node, f"{what} is computed")
        else:
            into.update(strings)

    def _strings(self, value: ast.expr, *, through: frozenset[str] = frozenset()) -> list[str] | None:
        """The strings that a literal has, or one that stands at the top under a name; None when it is no literal."""
        match value:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                found = [self._strings(part, through=through) for part in parts]
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                found = [self._strings(part, through=through) for part in (left, right)]
            case ast.Name(id=name) if name in self._constants.keys() - through:
                return self._strings(self._constants[name], through=through | {name})
            case _:
                return None
        return None if None in found else [text for part in found for text in part or ()]

    # Attributes and calls

    def visit_Assign(self, node: ast.Assign) -> None:
        """`x.Methods = ...`, `x.callbacks = ...`."""
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in {METHODS, CALLBACKS}:
                into = self.methods if target.attr == METHODS else self.callbacks
                self._understood.add(target)
                self._take(node, node.value, into, target.attr)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Koji's registrars with literals; what puts names where no text shows them."""
        name = self._full_name(node.func)
        last = name.rpartition(".")[2]
        if name.startswith(f"{KOJI_PLUGIN}.") and last in REGISTRARS:
            self._understood.add(node.func)
            types = node.args[:1] if last == "register_callback" else node.args
            self._take(node, ast.Tuple(elts=list(types)), self.callbacks, "the name of a callback")
            if node.keywords or not types:
                self._gap(node, "the name of a callback is computed")
        elif name == "setattr":
            wanted = node.args[1] if len(node.args) > 1 else None
            if not (isinstance(wanted, ast.Constant) and wanted.value not in {METHODS, CALLBACKS}):
                self._gap(node, "attributes are set by name")
        elif name.removeprefix("builtins.") in IN_THE_DARK or name.partition(".")[0] in LOADERS:
            self._gap(node, f"{name} is called")
        elif name == "type" and len(node.args) > 1:
            self._gap(node, "a class is made by a call")
        elif isinstance(node.func, ast.Attribute | ast.Name) and last == "run_callbacks":
            fired = self._strings(node.args[0]) if node.args else None
            self.fires.update(BUILDER_CALLBACKS if fired is None else fired)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """What a registrar, or a list of methods or callbacks, is used for in another way than by a call."""
        if node in self._understood:
            return
        name = self._full_name(node)
        if name.startswith(f"{KOJI_PLUGIN}.") and name.rpartition(".")[2] in {*REGISTRARS, CALLBACKS}:
            self._gap(node, f"{name} is used in a way that is not understood")
            return
        if node.attr in {METHODS, CALLBACKS} and not self._is_self(node.value):
            self._gap(node, f"{node.attr} is changed or used")
        if self._full_name(node.value) != KOJI_PLUGIN:
            if name == KOJI_PLUGIN:
                self._gap(node, f"{name} is used in a way that is not understood")
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        """A registrar under a name of its own."""
        name = self._full_name(node)
        if node in self._understood or not name.startswith(KOJI_PLUGIN):
            return
        if name == KOJI_PLUGIN or name.rpartition(".")[2] in {*REGISTRARS, CALLBACKS}:
            self._gap(node, f"{name} is used in a way that is not understood")

    @staticmethod
    def _is_self(node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == "self"


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """The plain names that a statement sets; a value of None for one that changes what was there."""
    match statement:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Name):
                    yield target.id, value
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            yield name, value
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name, None
        case _:
            return


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """What is set once, at the top, and not changed by a method of its own."""
    found: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            for name, value in _assigned(node):
                found.setdefault(name, []).append(value)
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, []).append(None)
    for statement in tree.body:
        for name, value in _assigned(statement):
            if value is not None and len(found[name]) == 1:
                yield name, value
