"""A page in a browser, and what goes wrong on it."""

from pathlib import Path

from playwright.sync_api import Page

ASSETS = Path(__file__).parents[2] / "assets"


class Opened:
    """A page, and everything that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("requestfailed", lambda request: self._failed(request.url, request.failure))
        page.on("request", lambda request: self._asked(request.url))
        page.on("dialog", lambda dialog: (self.wrong.append("a dialog opened"), dialog.dismiss()))

    def _said(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.wrong.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.wrong.append(f"a request left: {url}")

    def _failed(self, url: str, reason: str | None) -> None:
        if reason != "net::ERR_ABORTED":  # the page was left before it had loaded
            self.wrong.append(f"{url}: {reason}")

    def go(self, path: Path, fragment: str = "") -> Page:
        self.page.goto(path.as_uri() + fragment)
        return self.page
