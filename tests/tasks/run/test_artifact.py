"""What a run shows in Prefect is not what it stands on."""

import httpx
import pytest

from tasks.run import artifact


def test_a_server_that_takes_no_artifact_ends_no_run(caplog: pytest.LogCaptureFixture) -> None:
    # nobody listens there
    assert (
        artifact.upsert_artifact(httpx.get, url="http://127.0.0.1:9/api", trust_env=False) is None
    )
    assert "Could not save the run artifact: ConnectError" in caplog.text


def test_a_mistake_of_ours_is_not_passed_over() -> None:
    with pytest.raises(TypeError):
        artifact.upsert_artifact(httpx.get, address="http://127.0.0.1:9/api")
