"""A run goes on if its artifact can't be saved."""

import httpx
import pytest

from tasks.run import artifact


def test_a_server_without_artifacts_ends_no_run(caplog: pytest.LogCaptureFixture) -> None:
    # no server listens there
    assert (
        artifact.upsert_artifact(httpx.get, url="http://127.0.0.1:9/api", trust_env=False) is None
    )
    assert "Could not save the run artifact: ConnectError" in caplog.text


def test_a_defect_is_not_suppressed() -> None:
    with pytest.raises(TypeError):
        artifact.upsert_artifact(httpx.get, address="http://127.0.0.1:9/api")
