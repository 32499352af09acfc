"""The pages of the status server: `Pages.render(name, **views)` makes the HTML of one, and keeps nothing.

A page is drawn whole on the server, from the views that are handed in, and says all that matters without JavaScript.
The scripts in `STATIC` only keep it fresh: they fetch the same page again when `/events` says that something happened,
and put its parts (`data-live`) in place of the old ones; log.js follows a log.

| page | address | views beside `host` |
|---|---|---|
| `overview` | `/` | `tasks` (all that are known), `cache`, `containers` |
| `tasks` | `/tasks` | `tasks` (all that are known), `query` (the request's, as strings) |
| `task` | `/tasks/<id>` | `task`, `containers` (those of it), `subtasks` |
| `log` | `/tasks/<id>/logs/<name>` | `task`, `log`, `tail` (bytes, the last `TAIL_BYTES` of it) |
| `buildroots` | `/buildroots` | `cache`, `tasks` |
| `containers` | `/containers` | `containers` |
| `problem` | any | `status` (of HTTP), `title`, `advice` |

`host` is a `HostView`, or None when nothing is known of it. The scripts ask for `/events`, for pages (`Accept:
text/html`), and for `/api/v1/tasks/<id>/logs/<name>` with `Range: bytes=N-` and `follow=1`: the bytes from N on, and
then those that come, for as long as the task runs.

Every text passes `for_terminal` on its way into a page, and is escaped there by Jinja2: control characters and those
that turn text around are written out.
"""

import time
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from koji_adjutant.monitoring.host_warnings import host_warnings
from koji_adjutant.monitoring.pages import bars, formats, history, plots
from koji_adjutant.monitoring.sentence import advice_for
from koji_adjutant.monitoring.text import ansi_to_html, for_terminal
from koji_adjutant.monitoring.views import LogView, Outcome, TaskView

STATIC = Path(__file__).parent / "static"
"""Style sheet and scripts; served below `/static`."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""What a browser lets a page do; no inline script or style is in one."""
TAIL_BYTES = 64 * 1024
MAIN_LOG = "build.log"
REFRESH_SECONDS = 20
"""How often a page that has no JavaScript loads itself anew."""


def _finalize(value: object) -> object:
    """What every expression of a template passes."""
    return for_terminal(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _colored(log: bytes | str) -> Markup:
    """A piece of a log; `ansi_to_html` escapes it. Compilers clear the rest of a line, which is nothing to see."""
    data = log if isinstance(log, bytes) else log.encode(errors="surrogateescape")
    return Markup(ansi_to_html(data.replace(b"\x1b[K", b"")))  # noqa: S704


def _main_log(task: TaskView) -> LogView:
    """The log of `task`, which has some, that says what it does."""
    return next((log for log in task.logs if log.name == MAIN_LOG), task.logs[-1])


class Pages:
    """Makes pages. `clock` says what time it is."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._templates = Environment(
            loader=PackageLoader("koji_adjutant.monitoring.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(formats.FILTERS)
        self._templates.globals.update(
            phase_bar=bars.phase_bar,
            timeline=bars.timeline,
            meter=bars.meter,
            phase_names=bars.phase_names,
            history=history.history,
            spans=history.SPANS,
            outcomes=tuple(Outcome),
            plots=plots.plots,
            colored=_colored,
            main_log=_main_log,
            advice_for=advice_for,
            host_warnings=host_warnings,
            sizes=formats.size,
            counts=formats.count,
            refresh_seconds=REFRESH_SECONDS,
        )

    def render(self, name: str, **views: object) -> str:
        """The page `name` as a document. KeyError, for a page that there is none of; a view that it needs and does
        not get is an error, too (jinja2.UndefinedError)."""
        if name not in NAMES:
            raise KeyError(name)
        return self._templates.get_template(f"{name}.html").render(page=name, now=self._clock(), **views)


NAMES = frozenset({"overview", "tasks", "task", "log", "buildroots", "containers", "problem"})
