"""Metadata that a new repo takes over from an old one."""

import subprocess
from pathlib import Path

from koji_adjutant.task_adapters.repodata.recycle import recycle_repodata
from koji_adjutant.task_adapters.repodata.verify import verify_repodata


def test_recycled_without_origins(tmp_path: Path, packages: dict[str, bytes]) -> None:
    repos = []
    for name in ("one", "two"):
        repo = tmp_path / name
        repo.mkdir()
        (repo / f"{name}.rpm").write_bytes(packages[name])
        subprocess.run(["createrepo_c", "--quiet", repo], check=True)
        repos += ["-r", f"file://{repo}/"]
    merged = tmp_path / "merged"
    subprocess.run(["mergerepo_c", "--koji", "-a", "x86_64", "-o", merged, *repos], check=True)
    kinds = {record.kind for record in verify_repodata(merged / "repodata")}
    assert recycle_repodata(merged / "repodata", tmp_path / "new")
    assert {record.kind for record in verify_repodata(tmp_path / "new")} == kinds - {"origin"}
    assert not list((tmp_path / "new").glob("*pkgorigins*"))


def test_nothing_to_recycle(tmp_path: Path) -> None:
    assert not recycle_repodata(tmp_path / "gone", tmp_path / "new")
    assert not (tmp_path / "new").exists()
