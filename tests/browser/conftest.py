"""A browser, and two atlases to open in it: a small one and a hostile one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from helpers.fake_atlas import ABOUT, PANELS, Fake
from helpers.opened import Opened
from helpers.pages import HOSTILE_ABOUT, hostile
from lamella.site.pages import render

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def player() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on the path: install it, or run `make test`, which does")
    with sync_playwright() as playwright:
        yield playwright


def launched(player: Playwright, *arguments: str) -> Browser:
    return player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])


@pytest.fixture(scope="session")
def chromium(player: Playwright) -> Iterator[Browser]:
    browser = launched(player)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def flat(player: Playwright) -> Iterator[Browser]:
    """A browser in which WebGL does not exist; playwright adds a software one otherwise."""
    browser = launched(player, "--disable-3d-apis")
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("small")
    fake = Fake(side=64, done=("conv1", "features.10"))
    render(ABOUT, fake.write(top / "work"), PANELS, top / "site")
    return top / "site"


@pytest.fixture(scope="session")
def bad_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("hostile")
    render(HOSTILE_ABOUT, hostile(top / "work"), PANELS, top / "site")
    return top / "site"


@pytest.fixture
def opened() -> Iterator[Callable[..., Opened]]:
    """Open a page in a browser; at the end of the test nothing may have gone wrong on it."""
    pages: list[Opened] = []

    def open_page(browser: Browser, **options: Any) -> Opened:
        pages.append(Opened(browser.new_page(**options)))
        return pages[-1]

    yield open_page
    for one in pages:
        one.page.close()
        assert not one.wrong
