"""Writing a folder of pages: whatever lies there, the files of the site are right in the end."""

import errno
import os
import shutil
import stat
from pathlib import Path

import pytest

from helpers.forked import flip
from helpers.pages import written
from lamella.errors import SiteError
from lamella.site.publish import Site
from lamella.store.record import MANIFEST, differences

PAGES = {"index.html": b"home", "net/a.html": b"page a", "net/b.html": b"page b"}


def publish(out: Path, pages: dict[str, bytes] | None = None, fingerprint: str = "1") -> Site:
    def make(write):  # type: ignore[no-untyped-def]
        for path, content in (PAGES if pages is None else pages).items():
            write(path, content)
        return {}

    with Site(out) as site:
        site.group("all", fingerprint, make)
    return site


def test_a_copy_with_new_times_is_left_as_it_is(tmp_path: Path) -> None:
    """Its content tells that it is the same; the next run knows the times."""
    publish(tmp_path / "site")
    copy = Path(shutil.copytree(tmp_path / "site", tmp_path / "copy", copy_function=shutil.copy))
    for path in copy.rglob("*.html"):
        os.utime(path, ns=(1, 1))
    assert (publish(copy).written, publish(copy).unchanged) == (0, 3)
    assert all(path.stat().st_mtime_ns == 1 for path in copy.rglob("*.html"))


@pytest.mark.parametrize("bit", range(0, 8 * 300, 97))
def test_a_damaged_record_blocks_nothing_and_the_site_is_right(tmp_path: Path, bit: int) -> None:
    publish(tmp_path)
    flip(tmp_path / MANIFEST, bit)
    (tmp_path / "net" / "a.html").write_bytes(b"page A")
    said: list[str] = []
    with Site(tmp_path, said.append) as site:
        site.group("all", "1", lambda write: [write(p, c) for p, c in PAGES.items()] and {})
    assert written(tmp_path) == PAGES and site.written == 1
    assert f"{tmp_path / MANIFEST} is damaged" in said[0] and "is compared" in said[0]
    assert list(differences(tmp_path)) == [None] * 3


def test_a_linked_folder_is_not_written_through(tmp_path: Path) -> None:
    out, victim = tmp_path / "site", tmp_path / "victim"
    publish(out)
    (out / "net").rename(victim)
    before = written(victim)
    (out / "net").symlink_to(victim)
    for pages in (PAGES, {"index.html": b"home"}):
        for fingerprint in "12":
            with pytest.raises(SiteError, match="net is a link, and what it leads to"):
                publish(out, pages, fingerprint)
            assert written(victim) == before


def test_a_linked_file_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    out, victim = tmp_path / "site", tmp_path / "victim"
    publish(out)
    victim.write_bytes(PAGES["index.html"])
    (out / "index.html").unlink()
    (out / "index.html").symlink_to(victim)
    publish(out)
    assert not (out / "index.html").is_symlink() and victim.read_bytes() == b"home"


def test_what_killed_runs_left_half_written_goes(tmp_path: Path) -> None:
    publish(tmp_path)
    (tmp_path / ".lamella" / ".draft-abc").write_bytes(b"ha")
    publish(tmp_path)
    assert sorted(p.name for p in (tmp_path / ".lamella").iterdir()) == [".lock", "manifest.json"]


def test_new_pages_are_there_before_old_ones_go_and_the_home_page_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path)
    done: list[str] = []
    rename, delete = os.replace, os.unlink

    def replace(draft: str, path: Path) -> None:
        done.append(Path(path).name)
        rename(draft, path)

    def unlink(path: str, **more: object) -> None:
        done.append(f"delete {Path(path).name}")
        delete(path)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "unlink", unlink)
    publish(tmp_path, {"net/c.html": b"new", "index.html": b"other"}, "2")
    pages = [name for name in done if name.endswith("html")]
    assert pages == ["c.html", "index.html", "delete a.html", "delete b.html"]
    assert done.index("manifest.json") < done.index("c.html"), "a kill from here on is known"


def test_files_can_be_read_by_everybody(tmp_path: Path) -> None:
    publish(tmp_path)
    assert stat.S_IMODE((tmp_path / "index.html").stat().st_mode) == 0o644


def test_the_disk_is_full_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write fails, the site that was there can be read, and the next run ends well."""
    rename, full_at, seen = os.replace, -1, 0
    other = {name: content + b" anew" for name, content in PAGES.items()}

    def replace(draft: str, path: Path) -> None:
        nonlocal seen
        seen += 1
        if seen == full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rename(draft, path)

    monkeypatch.setattr(os, "replace", replace)
    publish(tmp_path / "whole", other)
    for full_at in range(1, seen + 1):
        out, seen = tmp_path / str(full_at), -1000
        publish(out)
        seen = 0
        with pytest.raises(SiteError, match=r"No space left on device[\s\S]*make room"):
            publish(out, other, "2")
        assert not list(out.rglob(".draft-*"))
        assert all(content in (PAGES[n], other[n]) for n, content in written(out).items())
        publish(out, other, "2")
        assert written(out) == other and list(differences(out)) == [None] * 3
