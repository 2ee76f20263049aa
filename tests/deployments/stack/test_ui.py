"""Prefect's UI in a browser without internet access: login, deployments, backfill form."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.deployments.conftest import Api
from tests.deployments.stack.test_stack import NAMES, deployment

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1400,900",
    "--remote-debugging-port=0",
)
TIMEOUT_SECONDS = 240
# set the value through the native setter, so that the page reacts
TYPE = """
const field = document.querySelector("input");
const setter = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
setter.call(field, %s);
field.dispatchEvent(new Event("input", {bubbles: true}));
const all = [...document.querySelectorAll("button")];
setTimeout(() => all.find(each => /log ?in|sign ?in/i.test(each.innerText)).click(), 200);
"""
# find a field by its label, in the nearest enclosing element that has one
FILL = """
(() => {
    const labels = [...document.querySelectorAll("*")].filter(
        each => !each.children.length && each.textContent.trim() === %s);
    const inside = box => box.querySelector("input:not([type=radio])") || inside(box.parentElement);
    const field = inside(labels.pop());
    const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set;
    setter.call(field, %s);
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, {bubbles: true}));
})()
"""
# choose the type "date" of a field that is None, by the field's label
CHOOSE = """
(() => {
    const leaves = box => [...box.querySelectorAll("*")].filter(each => !each.children.length);
    const named = (box, text) => leaves(box).filter(each => each.textContent.trim() === text);
    const inside = box => named(box, "date")[0] || inside(box.parentElement);
    inside(named(document, %s).pop()).click();
})()
"""
# click a button by its text; true if it exists
CLICK = """
(button => { button?.click(); return !!button; })(
    [...document.querySelectorAll("button, a, li")].find(
        each => each.innerText.trim() === %s && each.offsetParent))
"""


# text of the page and of its fields
SHOWN = """
[document.body, ...document.querySelectorAll("input, textarea, select, button")]
    .map(each => each.innerText + " " + (each.value ?? "")).join(" ")
"""


class Browser:
    """One page of a headless browser."""

    def __init__(self, chromium: str, folder: Path) -> None:
        profile = folder / "profile"
        self._process = subprocess.Popen(
            [chromium, *QUIET, f"--user-data-dir={profile}", "about:blank"],
            env=os.environ | {"HOME": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port_file = profile / "DevToolsActivePort"
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(lines := port_file.read_text().split() if port_file.exists() else []) < 2:
            assert self._process.poll() is None, "the browser ended"
            assert time.monotonic() < deadline, "the browser does not start"
            time.sleep(0.1)
        port, path = lines
        self._socket = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None)
        self._number = 0
        self._session: str | None = None
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __call__(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            message = json.loads(self._socket.recv(timeout=TIMEOUT_SECONDS))
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]

    def evaluate(self, script: str) -> Any:
        return self("Runtime.evaluate", expression=script)["result"].get("value")

    def wait_for(self, condition: str) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self.evaluate(condition) is not True:
            text = "document.body && document.body.innerText"
            assert time.monotonic() < deadline, f"{condition}: {self.evaluate(text)}"
            time.sleep(0.2)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.close()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found and os.environ.get("ROTATION_TEST_CHROMIUM") == "required":
        pytest.fail("there is no chromium on PATH")
    if not found:
        pytest.skip("there is no chromium on PATH; ROTATION_TEST_CHROMIUM=required fails instead")
    browser = Browser(found, tmp_path)
    yield browser
    browser.close()


def save_screenshot(browser: Browser, tmp_path: Path, name: str) -> None:
    """Save a screenshot, in ROTATION_TEST_SCREENSHOTS if set."""
    picture = Path(os.environ.get("ROTATION_TEST_SCREENSHOTS", tmp_path)) / f"{name}.png"
    picture.write_bytes(base64.b64decode(browser("Page.captureScreenshot")["data"]))
    assert picture.stat().st_size > 20_000


def test_deployments_are_shown_after_login(api: Api, browser: Browser, tmp_path: Path) -> None:
    browser("Page.navigate", url=api.url.removesuffix("/api") + "/deployments")
    browser.wait_for("!!document.querySelector('input[type=password]')")
    shown = f"{sorted(NAMES)}.every(name => document.body.innerText.includes(name))"
    assert browser.evaluate(shown) is False
    browser.evaluate(TYPE % json.dumps(api.login))
    browser.wait_for(shown)
    save_screenshot(browser, tmp_path, "deployments")


def sign_in(api: Api, browser: Browser) -> None:
    browser("Page.navigate", url=api.url.removesuffix("/api") + "/deployments")
    browser.wait_for("!!document.querySelector('input[type=password]')")
    browser.evaluate(TYPE % json.dumps(api.login))
    browser.wait_for("document.body.innerText.includes('prices-full-history')")


def open_form(api: Api, browser: Browser) -> None:
    form = f"/deployments/deployment/{deployment(api, 'backfill')}/run"
    browser("Page.navigate", url=api.url.removesuffix("/api") + form)
    browser.wait_for("document.body.innerText.includes('dry_run (Optional)')")


def fill_dates(browser: Browser, **dates: str) -> None:
    """Fill date fields, which are None until the user chooses a date."""
    for label in dates:
        browser.evaluate(CHOOSE % json.dumps(f"{label} (Optional)"))
    browser.wait_for("!document.body.innerText.includes('Property is type')")
    for label, day in dates.items():
        browser.evaluate(FILL % tuple(map(json.dumps, (f"{label} (Optional)", day))))


def submit_and_wait(browser: Browser, tab: str, *texts: str) -> None:
    """Submit the form and wait for texts in a tab of the run's page."""
    # "View run" is in a temporary notification
    for button in ("Submit", "View run", tab):
        browser.wait_for(CLICK % json.dumps(button))
    browser.wait_for(f"{json.dumps(texts)}.every(each => document.body.innerText.includes(each))")


def test_backfill_form_shows_its_defaults(api: Api, browser: Browser, tmp_path: Path) -> None:
    sign_in(api, browser)
    open_form(api, browser)
    fields = api.get("/deployments/name/backfill/backfill")["parameter_openapi_schema"][
        "properties"
    ]
    shown = [f"{name} (Optional)" for name in fields]
    shown += ["The dataset to backfill.", "oldest_first", 'Property is type "None"']
    browser.wait_for(f"{json.dumps(shown)}.every(each => ({SHOWN}).includes(each))")
    save_screenshot(browser, tmp_path, "backfill")


@pytest.mark.slow
def test_invalid_backfill_shows_its_error_on_the_run_page(
    api: Api, browser: Browser, tmp_path: Path
) -> None:
    sign_in(api, browser)
    open_form(api, browser)
    fill_dates(browser, start="2026-02-12", end="2026-02-10")
    submit_and_wait(browser, "Logs", "end 2026-02-10 is before start 2026-02-12: swap them.")
    save_screenshot(browser, tmp_path, "backfill-refused")
