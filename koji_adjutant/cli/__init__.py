"""The two commands, `kojid` and `koji-adjutant`. Nothing here can be imported without rpm's bindings for Python."""

import sys

try:
    import rpm  # noqa: F401
except ImportError as problem:
    # No package index has them: they come from the distribution, for its own interpreter.
    sys.stderr.write(
        f"koji-adjutant: error: {sys.executable} has no usable rpm module ({problem}); "
        "install the package python3-rpm, and run koji-adjutant with the distribution's own Python\n"
    )
    raise SystemExit(2) from None
