"""The hub's settings: Koji's own names and defaults, in snake_case. Frozen for the life of a hub."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class HubOptions:
    max_request_length: int = 4 * 1024 * 1024
    session_renewal_timeout: int = 1440  # minutes, as in hub.conf; 0 never expires
    check_client_ip: bool = True
    # The scheduler, in seconds.
    run_interval: float = 60
    max_jobs: int = 15
    capacity_overcommit: float = 5
    ready_timeout: float = 180
    assign_timeout: float = 300
    soft_refusal_timeout: float = 900
    host_timeout: float = 900
    # Repos: how old a repo may be and still answer a request, in seconds.
    repo_lag: float = 3600
    repo_retries: int = 3
    max_repo_tasks: int = 10
    # Work the queue of repo requests whenever somebody asks, as the daemon kojira does on a real hub.
    kojira: bool = True
    # Mails: tasks that tell people of builds and tags, and what is in them.
    disable_notifications: bool = False
    notify_on_success: bool = True
    email_domain: str | None = None
    koji_web_url: str = "http://localhost/koji"
    # Seconds that each request to the hub waits before anything is done, as if it came from far away.
    latency: float = 0.0
    # What the hub takes for the time; tests move it.
    clock: Callable[[], float] = time.time
