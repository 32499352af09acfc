"""docs/monitoring.md, made of the tables of endpoints and metrics and of the alerts that are shipped. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.monitoring.endpoints import API, ENDPOINTS, Endpoint
from koji_adjutant.monitoring.families import FAMILIES, PREFIX, Family

ALERTS = Path(__file__).with_name("alerts.yaml")
_ALERT = re.compile(
    r"- alert: (?P<name>\w+)\n.*?severity: (?P<severity>\w+)\n"
    r".*?description: >-\n(?P<text>(?: {12}[^\n]*\n)+).*?runbook: (?P<runbook>\S+)\n",
    re.DOTALL,
)
_HEAD = """\
# Monitoring

The status server shows a host: a unit of its own (`kojid-status.service`), or a child of the daemon where there is no
systemd. It reads the journal and `<state_dir>/public`, changes nothing, and its death touches no build.
`monitoring_enabled`, `monitoring_bind` and `monitoring_token_file` in [configuration.md](configuration.md) say whether,
where and for whom. With a token, clients give it as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic.

This page is made by `koji-adjutant config monitoring`.

## Pages

In a browser, `/` shows what runs, with phases beside the package's average, and why the host takes no tasks; each task
with its timeline, buildroot, use, error and logs as they come; the history with filters and plots; cache; containers.
Nothing is loaded from elsewhere; keys (`?` lists them) and a browser without JavaScript are enough.

![What runs](screenshots/now.png) ![A task that failed](screenshots/task.png)
![The history](screenshots/history.png) ![A narrow screen](screenshots/narrow.png)

## Endpoints

"""
_ENDPOINTS_FOOT = """
Pages for people, JSON for programs, by `Accept`; below `{api}` always JSON, and its description is
`{api}/openapi.json`. {only} are there without `{api}` only.
`/readyz` answers 200 or 503 with `ready`, `obstacle`, `title`, `reason` and `what_to_do`: the words of
`koji-adjutant status`, of the page and of `doctor`.

## Metrics

The server listens on loopback unless `monitoring_bind` says otherwise, which needs a token:

    scrape_configs:
      - job_name: koji-adjutant
        authorization: {{credentials_file: /etc/prometheus/koji-adjutant.token}}
        static_configs: [{{targets: ["builder-01.example.org:8080"]}}]

Counters are made from the journal: they survive restarts of the server and of the daemon, and what happened while the
server was down is counted when it is back. Labels have values of fixed tables, else `other`: no task, package or path
makes a series. `up` of the job says whether the server lives, `{prefix}ready` whether the host takes tasks.

All names begin with `{prefix}`.

"""
_ALERTS_HEAD = """
## Alerts

`koji-adjutant config alerts` prints rules for Prometheus; put them into a file that its `rule_files` names.

"""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One that is shipped."""

    name: str
    severity: str
    text: str
    runbook: str
    """A heading of the documentation."""


def alerts() -> Iterator[Alert]:
    """All of them, in the order of their file."""
    for found in _ALERT.finditer(ALERTS.read_text()):
        yield Alert(
            name=found["name"],
            severity=found["severity"],
            text=" ".join(found["text"].split()),
            runbook=found["runbook"],
        )


def page() -> str:
    """docs/monitoring.md."""
    only = [f"`{endpoint.path}`" for endpoint in ENDPOINTS if endpoint.only_here]
    foot = _ENDPOINTS_FOOT.format(api=API, prefix=PREFIX, only=" ".join(only))
    return "".join(
        [
            _HEAD,
            _table(("path", "what", "takes"), map(_endpoint, ENDPOINTS)),
            foot,
            _table(("metric", "type", "labels", "meaning"), map(_metric, FAMILIES)),
            _ALERTS_HEAD,
            _table(("alert", "severity", "meaning", "where to look"), map(_alert, alerts())),
        ]
    )


def _endpoint(endpoint: Endpoint) -> tuple[str, ...]:
    takes = [f"`{one.name}`" for one in endpoint.parameters if one.place != "path"]
    return f"`{endpoint.path}`", endpoint.text, " ".join(takes)


def _metric(family: Family) -> tuple[str, ...]:
    return f"`{family.name}`", family.kind.value, " ".join(f"`{one}`" for one in family.labels), family.help


def _alert(alert: Alert) -> tuple[str, ...]:
    page, _, anchor = alert.runbook.removeprefix("docs/").partition("#")
    return f"`{alert.name}`", alert.severity, alert.text, f"[{anchor.replace('-', ' ')}]({page}#{anchor})"


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, *rows)]
    return "".join([lines[0], "|" + "---|" * len(head) + "\n", *lines[1:]])
