"""The pages of Prefect's UI, in a browser without the internet: signing in, and what is shown."""

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
PATIENCE_SECONDS = 240
# typed as a person would, so that the page notices
TYPE = """
const field = document.querySelector("input");
const setter = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
setter.call(field, %s);
field.dispatchEvent(new Event("input", {bubbles: true}));
const all = [...document.querySelectorAll("button")];
setTimeout(() => all.find(each => /log ?in|sign ?in/i.test(each.innerText)).click(), 200);
"""
# a field by its label, the nearest box around the label that has one; typed or chosen as above
FILL = """
(() => {
    const labels = [...document.querySelectorAll("*")].filter(
        each => !each.children.length && each.textContent.trim() === %(label)s);
    const inside = (box, what) => box.querySelector(what) || inside(box.parentElement, what);
    const field = inside(labels.pop(), %(what)s);
    if (field.tagName === "BUTTON") return field.click();
    const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set;
    setter.call(field, %(value)s);
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, {bubbles: true}));
})()
"""
# whether there is such a button; it is clicked then
CLICK = """
(button => { button?.click(); return !!button; })(
    [...document.querySelectorAll("button, a, li")].find(
        each => each.innerText.trim() === %s && each.offsetParent))
"""


# what is written on the page, and in its fields
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
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(said := port_file.read_text().split() if port_file.exists() else []) < 2:
            assert self._process.poll() is None, "the browser ended"
            assert time.monotonic() < deadline, "the browser does not start"
            time.sleep(0.1)
        port, path = said
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
            answer = json.loads(self._socket.recv(timeout=PATIENCE_SECONDS))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def evaluate(self, script: str) -> Any:
        return self("Runtime.evaluate", expression=script)["result"].get("value")

    def wait_for(self, condition: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.evaluate(condition) is not True:
            text = "document.body && document.body.innerText"
            assert time.monotonic() < deadline, f"{condition}: {self.evaluate(text)}"
            time.sleep(0.2)

    def close(self) -> None:
        # it has nothing to save
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


def photograph(browser: Browser, tmp_path: Path, name: str) -> None:
    """Keeps the page's picture; beside the other tests' where that is asked for."""
    picture = Path(os.environ.get("ROTATION_TEST_SCREENSHOTS", tmp_path)) / f"{name}.png"
    picture.write_bytes(base64.b64decode(browser("Page.captureScreenshot")["data"]))
    assert picture.stat().st_size > 20_000


def test_the_deployments_are_shown_to_who_signs_in(
    api: Api, browser: Browser, tmp_path: Path
) -> None:
    browser("Page.navigate", url=api.url.removesuffix("/api") + "/deployments")
    browser.wait_for("!!document.querySelector('input[type=password]')")
    shown = f"{sorted(NAMES)}.every(name => document.body.innerText.includes(name))"
    assert browser.evaluate(shown) is False
    browser.evaluate(TYPE % json.dumps(api.login))
    browser.wait_for(shown)
    photograph(browser, tmp_path, "deployments")


def sign_in(api: Api, browser: Browser) -> None:
    browser("Page.navigate", url=api.url.removesuffix("/api") + "/deployments")
    browser.wait_for("!!document.querySelector('input[type=password]')")
    browser.evaluate(TYPE % json.dumps(api.login))
    browser.wait_for("document.body.innerText.includes('prices-full-history')")


def open_form(api: Api, browser: Browser) -> None:
    form = f"/deployments/deployment/{deployment(api, 'backfill')}/run"
    browser("Page.navigate", url=api.url.removesuffix("/api") + form)
    browser.wait_for("document.body.innerText.includes('dry_run (Optional)')")


def fill(browser: Browser, label: str, value: str = "", what: str = "input, select") -> None:
    words = {"label": f"{label} (Optional)", "what": what, "value": value}
    browser.evaluate(FILL % {name: json.dumps(word) for name, word in words.items()})


def run_and_see(browser: Browser, tab: str, *said: str) -> None:
    """Runs what the form says, and waits until a tab of the run's page says so much."""
    # "View run" is in a note that the page shows for a while
    for button in ("Submit", "View run", tab):
        browser.wait_for(CLICK % json.dumps(button))
    browser.wait_for(f"{json.dumps(said)}.every(each => document.body.innerText.includes(each))")


def test_the_form_of_a_backfill_has_its_fields_filled(
    api: Api, browser: Browser, tmp_path: Path
) -> None:
    sign_in(api, browser)
    open_form(api, browser)
    fields = api.get("/deployments/name/backfill/backfill")["parameter_openapi_schema"][
        "properties"
    ]
    said = [f"{name} (Optional)" for name in fields]
    said += ["What to fill.", "oldest first"]
    browser.wait_for(f"{json.dumps(said)}.every(each => ({SHOWN}).includes(each))")
    photograph(browser, tmp_path, "backfill")


@pytest.mark.slow
def test_what_is_wrong_in_the_form_is_said_on_the_page_of_its_run(
    api: Api, browser: Browser, tmp_path: Path
) -> None:
    sign_in(api, browser)
    open_form(api, browser)
    fill(browser, "start", "2026-02-12")
    fill(browser, "end", "2026-02-10")
    run_and_see(browser, "Logs", "end 2026-02-10 is before start 2026-02-12: exchange them.")
    photograph(browser, tmp_path, "backfill-refused")
