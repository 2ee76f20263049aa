"""Settings of the task runner: where shards of a derivation or a validation run."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class TaskRunnerSettings(BaseSettings):
    """Where shards run; `Settings` inherits these."""

    task_runner: Literal["", "processes", "dask"] = Field(
        default="",
        description="Where shards of derivations run: processes (of this machine) or dask. Empty:"
        " in the flow's process.",
    )
    dask_address: str = Field(
        default="",
        description="Address of a Dask scheduler, tls://host:8786. Empty: a cluster of this"
        " machine's processes.",
    )

    @field_validator("dask_address")
    @classmethod
    def _require_tls(cls, value: str) -> str:
        parts = urlsplit(value)
        is_local = parts.scheme == "tcp" and parts.hostname in LOOPBACK
        if value and not (parts.scheme == "tls" and parts.hostname) and not is_local:
            # a Dask scheduler runs any program that it is sent
            raise ValueError(
                "must be tls://host:port, or tcp:// on this machine: without TLS, any client that"
                " reaches the scheduler can run programs on its workers"
            )
        return value

    @model_validator(mode="after")
    def _refuse_address_without_dask(self) -> Self:
        if self.dask_address and self.task_runner != "dask":
            raise ValueError("dask_address needs ROTATION_TASK_RUNNER=dask; set it, or remove it")
        return self
