"""Options of builds from source control: what a file says, and what is there without one."""

from pathlib import Path

import pytest

from koji_adjutant.cli.documents import summary
from koji_adjutant.config import load_config
from koji_adjutant.config.scm_values import LowSpeed
from koji_adjutant.errors import ConfigError

BARE = "[kojid]\nserver = http://hub/kojihub\ntopurl = http://hub/files\n"


def test_without_a_word_a_checkout_gets_what_this_host_has(tmp_path: Path) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(BARE)
    config = load_config(file, environment={})
    assert Path("~/.gitconfig") in config.scm_gitconfig
    assert (config.scm_netrc, config.scm_ssh_dir) == (Path("~/.netrc"), Path("~/.ssh"))
    assert (config.scm_ca_trust, config.scm_ccache) == ("auto", "auto")
    assert not config.scm_on_host


def test_all_of_it_can_be_withheld(tmp_path: Path) -> None:
    file = tmp_path / "kojid.conf"
    withheld = ("gitconfig", "netrc", "ssh_dir", "known_hosts", "ccache", "ca_trust")
    lines = "".join(f"scm_{name} =\n" for name in withheld)
    file.write_text(f"{BARE}[adjutant]\n{lines}scm_low_speed = 1k/30\n")
    config = load_config(file, environment={})
    assert [getattr(config, f"scm_{name}") for name in withheld] == [(), None, None, None, None, ()]
    assert config.scm_low_speed == LowSpeed(bytes=1024, seconds=30)


def test_variables_of_the_site_are_shown_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "kojid.conf"
    file.write_text(f"{BARE}[adjutant]\nscm_environment = https_proxy=http://u:s3cret@p\n")
    config = load_config(file, environment={})
    assert config.scm_environment == {"https_proxy": "http://u:s3cret@p"}
    assert "scm_environment = (not shown)" in summary(config)
    assert "s3cret" not in summary(config) + repr(config)
    file.write_text(f"{BARE}[adjutant]\nscm_environment = s3cret\n")
    with pytest.raises(ConfigError, match="option scm_environment: expected lines") as raised:
        load_config(file, environment={})
    assert "s3cret" not in str(raised.value)
