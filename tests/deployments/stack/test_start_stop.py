"""Starting without a key, and stopping."""

from pathlib import Path

import pytest

from deployments.sandbox.client import Sandbox
from deployments.sandbox.launch import SandboxError
from deployments.stack import stack
from tests.deployments.conftest import Home


@pytest.mark.slow
def test_nothing_is_left_after_down(empty_home: Home) -> None:
    """Live, where no flow is started: all but the providers is there."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("no /proc here")
    left = stack.start_sandbox(stack.sandbox_home(empty_home.settings), empty_home.tape)
    said = empty_home.rotation("up").stdout
    # whoever goes live has no run in the foreground that replays a tape
    with pytest.raises(SandboxError):
        Sandbox.attach(left.home)
    assert "FRED_API_KEY is not set" in said
    assert "ROTATION_SEC_USER_AGENT is not set" in said
    assert "without vintages" in said
    assert "Prefect UI" in said
    assert len(empty_home.processes()) >= 3
    stopped = empty_home.rotation("down").stdout
    for name in ("postgres", "prefect-server", "prefect-worker"):
        assert name in stopped
    assert empty_home.processes() == []
    assert empty_home.rotation("down").stdout == "Nothing was running.\n"
    said = empty_home.rotation("status").stdout
    assert said.count("not running") == 4


def test_what_needs_the_server_says_how_to_start_it(empty_home: Home) -> None:
    refused = empty_home.rotation("sql", "select 1", check=False)
    assert refused.returncode == 1
    assert "make up" in refused.stderr
    assert "Traceback" not in refused.stderr
