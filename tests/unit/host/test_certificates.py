"""Certificates as openssl writes them, and files that have none."""

import subprocess
import time
from pathlib import Path

import pytest

from koji_adjutant.host.certificates import read_certificates

DAY = 86400.0
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def certificate(file: Path, *, days: int, subject: str = "/O=Builders/CN=builder.example.com") -> Path:
    argv = ["openssl", "req", "-x509", *CURVE, "-days", str(days), "-subj", subject]
    subprocess.run([*argv, "-keyout", str(file) + ".key", "-out", str(file)], check=True, capture_output=True)
    return file


@pytest.mark.parametrize("days", [3, 365 * 40])
def test_whose_it_is_and_until_when(tmp_path: Path, days: int) -> None:
    """Beyond 2049 the time is written in another way."""
    (found,) = read_certificates(certificate(tmp_path / "one.pem", days=days))
    assert found.subject == "builder.example.com"
    assert found.not_after == pytest.approx(time.time() + days * DAY, abs=600)
    assert found.not_before == pytest.approx(time.time(), abs=600)


def test_a_name_of_other_alphabets_and_none(tmp_path: Path) -> None:
    file = certificate(tmp_path / "one.pem", days=1, subject="/CN=bäcker")
    subprocess.run(["openssl", "x509", "-in", file, "-noout"], check=True)
    assert len(read_certificates(file)) == 1
    assert read_certificates(certificate(tmp_path / "two.pem", days=1, subject="/O=Nobody"))[0].subject == ""


def test_several_with_a_key_between_them(tmp_path: Path) -> None:
    one, two = (certificate(tmp_path / name, days=days) for name, days in (("a", 1), ("b", 9)))
    file = tmp_path / "both.pem"
    file.write_bytes(one.read_bytes() + Path(f"{one}.key").read_bytes() + two.read_bytes())
    first, second = read_certificates(file)
    assert second.not_after - first.not_after == pytest.approx(8 * DAY, abs=600)


def test_no_certificate(tmp_path: Path) -> None:
    file = tmp_path / "none.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\n")
    assert read_certificates(file) == ()


def test_one_that_is_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "short.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    with pytest.raises(ValueError, match=r"short|expected"):
        read_certificates(file)
