"""Media are named by their content; thumbnails are made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.core.errors import BadInput, NotFound
from studio.data.media import Media


def test_same_bytes_are_stored_once(tmp_path: Path) -> None:
    media = Media(tmp_path / "media", tmp_path / "thumbs")
    assert media.put(b"x") == media.put(b"x")
    assert len([path for path in (tmp_path / "media").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("sha", ["../../etc/passwd", "0" * 64, "A" * 64, "", "0" * 63 + "\n"])
def test_what_names_no_file_is_not_found(tmp_path: Path, sha: str) -> None:
    with pytest.raises(NotFound):
        Media(tmp_path / "media", tmp_path / "thumbs").read(sha)


def test_thumbnail_is_made_once_for_each_size(tmp_path: Path) -> None:
    media, made = Media(tmp_path / "media", tmp_path / "thumbs"), []

    def make(data: bytes, size: int) -> bytes:
        made.append(size)
        return data + str(size).encode()

    sha = media.put(b"x")
    assert [media.thumbnail(sha, size, make) for size in (96, 240, 96)] == [b"x96", b"x240", b"x96"]
    assert made == [96, 240]
    with pytest.raises(BadInput):
        media.thumbnail(sha, 97, make)
