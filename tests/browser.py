"""A headless browser without internet access, by its debugging protocol."""

import base64
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

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


def open_browser(folder: Path) -> Browser:
    """Starts the browser, or skips the test where there is none and none is required."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found and os.environ.get("ROTATION_TEST_CHROMIUM") == "required":
        pytest.fail("there is no chromium on PATH")
    if not found:
        pytest.skip("there is no chromium on PATH; ROTATION_TEST_CHROMIUM=required fails instead")
    return Browser(found, folder)


def save_screenshot(browser: Browser, tmp_path: Path, name: str) -> None:
    """Save a screenshot, in ROTATION_TEST_SCREENSHOTS if set."""
    picture = Path(os.environ.get("ROTATION_TEST_SCREENSHOTS", tmp_path)) / f"{name}.png"
    picture.write_bytes(base64.b64decode(browser("Page.captureScreenshot")["data"]))
    assert picture.stat().st_size > 20_000
