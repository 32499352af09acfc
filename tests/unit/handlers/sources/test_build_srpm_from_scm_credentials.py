"""What is read of a site's credentials."""

from pathlib import Path

import pytest

from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.handlers.sources.build_srpm_from_scm import CREDENTIALS_LIMIT, credentials


def test_the_credentials_of_a_site(tmp_path: Path) -> None:
    assert credentials(tmp_path / "missing") == {}
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "token").write_bytes(b"secret")
    assert credentials(tmp_path) == {"deep/token": b"secret"}
    with (tmp_path / "large").open("wb") as file:
        file.truncate(CREDENTIALS_LIMIT)
    with pytest.raises(BuildrootFailed, match="has over 16777216 bytes"):
        credentials(tmp_path)
