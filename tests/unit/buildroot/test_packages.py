"""Packages as rpm lists them and as the hub wants them."""

import pytest

from koji_adjutant.buildroot.packages import digest_format, parse_installed, with_digests
from koji_adjutant.errors import BuildrootFailed

BASH = "bash\t5.2\t1\t(none)\tx86_64\t7000\t1700000000\t0123456789abcdef0123456789abcdef"
PERL = "perl\t5.36\t7\t4\tnoarch\t5000000000\t1700000001\tffffffffffffffffffffffffffffffff"
KEY = "gpg-pubkey\t1\t2\t(none)\t(none)\t0\t1700000000\t(none)"


def test_rows_have_the_hubs_fields_and_types() -> None:
    bash, perl = parse_installed(f"{PERL}\n{BASH}\n")
    assert bash.row() == {
        "name": "bash",
        "version": "5.2",
        "release": "1",
        "epoch": None,
        "arch": "x86_64",
        "size": 7000,
        "buildtime": 1700000000,
        "payloadhash": "0123456789abcdef0123456789abcdef",
    }
    assert (perl.epoch, perl.size, perl.nevra, perl.nvra) == (
        4,
        5000000000,
        "perl-4:5.36-7.noarch",
        "perl-5.36-7.noarch",
    )


def test_keys_are_never_reported() -> None:
    assert parse_installed(f"{KEY}\n{BASH}\n") == parse_installed(f"{BASH}\n")


def test_an_epoch_of_zero_is_kept_for_the_hub_and_not_written() -> None:
    (package,) = parse_installed(BASH.replace("(none)", "0"))
    assert (package.epoch, package.nevra) == (0, "bash-5.2-1.x86_64")


@pytest.mark.parametrize("line", ["bash 5.2", BASH + "\tmore", "error: rpmdb: cannot open"])
def test_a_strange_line_is_an_error(line: str) -> None:
    with pytest.raises(BuildrootFailed, match="Can't get list of installed rpms"):
        parse_installed(line)


def test_a_strange_digest_is_an_error() -> None:
    with pytest.raises(BuildrootFailed, match="no header digest"):
        parse_installed(BASH.rsplit("\t", 1)[0] + "\tabc")


NEW = BASH.rsplit("\t", 1)[0] + "\t(none)"
"""What rpm 6 writes has no sigmd5."""


@pytest.mark.parametrize(
    ("newest", "digests", "expected"),
    [
        (True, "aa\tbb\tcc", "sha3-256::aa"),
        (True, "(none)\tbb\t(none)", "sha256::bb"),
        (False, "bb\tcc", "sha256::bb"),
        (False, "(none)\tcc", "sha1::cc"),
    ],
)
def test_a_package_of_rpm_6_is_known_by_what_koji_takes(newest: bool, digests: str, expected: str) -> None:
    packages = parse_installed(f"{NEW}\n{PERL}\n")
    assert packages[0].payloadhash == ""
    listing = f"bash\t5.2\t1\t(none)\tx86_64\t{digests}\nperl\t5.36\t7\t4\tnoarch\t{digests}\n"
    bash, perl = with_digests(packages, listing, newest=newest)
    assert (bash.payloadhash, perl.payloadhash) == (expected, "f" * 32)


def test_a_package_is_known_to_hubs_whose_rpm_is_older() -> None:
    listing = "bash\t5.2\t1\t(none)\tx86_64\taa\tbb\tcc\n"
    (bash,) = with_digests(parse_installed(NEW), listing, newest=True)
    assert (bash.payloadhash, bash.others) == ("sha3-256::aa", ("sha256::bb", "sha1::cc"))


def test_the_format_has_what_the_parser_expects() -> None:
    assert digest_format(newest=True).count("%{") == 8
    assert "SHA3" not in digest_format(newest=False)


@pytest.mark.parametrize("listing", ["", "bash\t5.2\t1\t(none)\tx86_64\t(none)\t(none)\n"])
def test_a_package_without_any_digest_is_an_error(listing: str) -> None:
    with pytest.raises(BuildrootFailed, match=r"bash-5\.2-1\.x86_64 has no header digest"):
        with_digests(parse_installed(NEW), listing, newest=False)
