"""Flows in the foreground: in a process of their own, against the Prefect server of the stack."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from deployments import prefect_server, stack
from deployments.sandbox.client import Sandbox
from deployments.sandbox.launch import SandboxError
from warehouse.settings import Settings


def follow_the_stack() -> None:
    """Takes on the sandbox's environment where the stack replays a tape."""
    if "ROTATION_ORIGIN" not in os.environ:
        with suppress(SandboxError):  # raised where none runs
            replayed = Sandbox.attach(stack.sandbox_home(Settings()))
            os.environ.update(stack.sandbox_environment(replayed))


def run_python(arguments: Sequence[str], own: Mapping[str, str] | None = None) -> int:
    """Runs Python with the stack's environment, after starting what it needs; its exit code.

    Prefect reads its settings at import: so they go to another process. Where the stack replays a
    tape, so does it.

    Args:
        arguments: Of the interpreter.
        own: Variables besides the stack's.

    Raises:
        ServiceError: when the Prefect server does not start.
    """
    follow_the_stack()
    settings = Settings()
    stack.start_database(settings)
    environment = os.environ | prefect_server.start_server(settings) | dict(own or {})
    return subprocess.run([sys.executable, *arguments], env=environment).returncode
