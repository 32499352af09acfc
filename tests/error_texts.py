"""The texts that people and their scripts know: every sentence in the source of the package, with `{}` for what varies.

`python -m tests.error_texts` writes them anew, which is a decision: a text that is changed there is changed for
everybody who looks for it in a log.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).with_name("error_texts.txt")
PACKAGE = ROOT / "koji_adjutant"
LEFT_OUT = frozenset({"testbed", "scripts"})
"""What no production host has, and programs that run elsewhere."""
WORDS = 3


def sentences() -> list[str]:
    """All of them, sorted, each once."""
    found: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        if not LEFT_OUT & set(path.parts):
            found.update(_sentences_in(ast.parse(path.read_bytes())))
    return sorted(found)


def _sentences_in(tree: ast.Module) -> Iterator[str]:
    ignored = {id(node) for docstring in _docstrings(tree) for node in ast.walk(docstring)}
    inside = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in ignored:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            text = node.value
        else:
            continue
        if len(text.split()) >= WORDS:
            yield " ".join(text.split())


def _docstrings(tree: ast.Module) -> Iterator[ast.Expr]:
    """Strings that stand alone: docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            yield node


if __name__ == "__main__":
    GOLDEN.write_text("\n".join(sentences()) + "\n")
