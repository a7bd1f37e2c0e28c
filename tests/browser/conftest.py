"""A browser, and two atlases to open in it: a small one and a hostile one."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from fake_atlas import ABOUT, PANELS, Fake
from lamella.site.pages import render
from test_pages import HOSTILE_ABOUT, hostile

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ASSETS = Path(__file__).parents[2] / "assets"


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


class Opened:
    """A page, and everything that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure))
        page.on("dialog", lambda dialog: (self.wrong.append("a dialog opened"), dialog.dismiss()))

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.wrong.append(text)

    def _failed(self, url: str, reason: str | None) -> None:
        if reason != "net::ERR_ABORTED":  # the page was left before it had loaded
            self.wrong.append(f"{url}: {reason}")

    def go(self, path: Path, fragment: str = "") -> Page:
        self.page.goto(path.as_uri() + fragment)
        return self.page


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
