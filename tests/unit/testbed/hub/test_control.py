"""What tests do to a hub that no client can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import koji
import pytest

if TYPE_CHECKING:
    from tests.unit.testbed.hub.served import Served


def test_offline_is_told_to_everybody(served: Served) -> None:
    admin = served.login("admin")
    served.hub.control.go_offline("gone fishing")
    with pytest.raises(koji.ServerOffline, match="gone fishing"):
        admin.hello()
    served.hub.control.go_online()
    assert admin.hello() == "Hello World"


def test_lock_out_spares_administrators_and_logins(served: Served) -> None:
    admin = served.login("admin")
    served.hub.accounts.add_user("user", "user")
    served.hub.control.lock_out()
    user = served.login("user")
    with pytest.raises(koji.ServerOffline, match="maintenance"):
        user.hello()
    assert admin.hello() == "Hello World"
    user.logout()
