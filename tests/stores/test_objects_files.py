"""Objects as files: whole or not there, whatever the disk and other processes do."""

from pathlib import Path

import pytest

from sessionful.domain.error import StoreUnavailable
from sessionful.stores.objects import Files
from tests.stores.dying import dies


def test_a_folder_is_made_with_its_first_object_and_not_before(tmp_path: Path) -> None:
    objects = Files(tmp_path / "beside")
    assert objects.get("log/one") is None
    objects.erase("log/")
    assert not objects.knows("log")
    assert list(tmp_path.iterdir()) == []
    objects.put("log/one", b"1")
    assert objects.knows("log")
    objects.erase("log/")
    assert list((tmp_path / "beside").iterdir()) == []


async def test_what_a_killed_writer_left_unfinished_is_seen_by_nobody_and_goes_with_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    await dies(("os.rename",), Files(tmp_path).put, "log/one", b"whole")
    (unfinished,) = folder.iterdir()
    assert unfinished.name.endswith(".part")
    objects = Files(tmp_path)
    assert objects.get("log/one") is None
    objects.erase("log/")
    assert not folder.exists()


def test_a_disk_that_refuses_is_told_without_its_paths(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    objects = Files(tmp_path / "file" / "objects")
    with pytest.raises(StoreUnavailable) as refused:
        objects.put("log/one", b"1")
    assert str(tmp_path) not in f"{refused.value} {refused.value.details}"
    assert objects.get("log/one") is None
