from __future__ import annotations

import json
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


def test_what_is_no_regular_file_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"through")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    remove([pipe])
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, b"")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    write_whole(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_bytes() == b"content"


def test_texts_with_bytes_of_file_names_that_are_not_utf8(tmp_path: Path) -> None:
    write_whole(tmp_path / "report", json.dumps({"name": "caf\udce9"}, ensure_ascii=False))
    assert json.loads((tmp_path / "report").read_text("ascii")) == {"name": "caf\udce9"}


def test_remove_takes_files_and_leaves_folders(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"")
    (tmp_path / "folder").mkdir()
    remove([tmp_path / "a", tmp_path / "none", tmp_path / "folder"])
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
