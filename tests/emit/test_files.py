from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from intent_tool.emit.files import remove, write_whole


def test_writes_into_a_new_folder_and_over_an_old_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "out.o"
    write_whole(path, b"first")
    write_whole(path, "zweite ü")
    assert path.read_text("utf-8") == "zweite ü"
    assert [p.name for p in path.parent.iterdir()] == ["out.o"]


def test_the_mode_is_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "data", b"")
        write_whole(tmp_path / "program", b"", executable=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "program").stat().st_mode) == 0o750


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out"
    write_whole(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_remove_takes_files_and_leaves_folders(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"")
    (tmp_path / "folder").mkdir()
    remove([tmp_path / "a", tmp_path / "none", tmp_path / "folder"])
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
