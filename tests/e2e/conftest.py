"""A browser, a service, and pages that are checked as they are looked at.

The browser is the machine's own Chromium or Chrome. Where there is none the tests say so and skip, but never
in CI. Screenshots go to `artifacts/screens`, or where CDS_TEST_SCREENS says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.service import Service, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, without any window."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a browser: .ci/run installs Debian's chromium")
        pytest.skip("no Chromium or Chrome is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, on a database of its own."""
    with serving(tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[Callable[..., Page]]:
    """Opens pages of one's own window and watches them: no error in the console, nothing asked of others."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def opened(size: Any = DESKTOP, *, script: bool = True) -> Page:
        context = browser.new_context(viewport=size, java_script_enabled=script, reduced_motion="reduce")
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: _note(message, complaints))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(service.base) else complaints.append(asked.url),
        )
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def picture() -> Callable[[Page, str], None]:
    """Keeps a screenshot of the whole page for people to look at."""
    folder = Path(os.environ.get("CDS_TEST_SCREENS") or Path(__file__).parents[2] / "artifacts" / "screens")
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return take


@pytest.fixture(scope="session")
def barriers() -> Callable[[Page], list[str]]:
    """What axe-core finds against WCAG 2.2 AA and good practice on a page as it stands."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()

    def found(page: Page) -> list[str]:
        result = axe.run(page, options={"runOnly": _RULES})
        return [
            f"{each['id']}: {node['html'][:160]}"
            for each in result.response["violations"]
            for node in each["nodes"]
        ]

    return found


def _note(message: Any, complaints: list[str]) -> None:
    if message.type in ("error", "warning") and "the server responded with a status of 4" not in message.text:
        complaints.append(message.text)
