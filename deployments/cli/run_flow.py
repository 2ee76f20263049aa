"""Flows in the foreground: in a process of their own, against the Prefect server of the stack."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from deployments.sandbox.client import Sandbox
from deployments.sandbox.launch import SandboxError
from deployments.stack import prefect_server, stack
from warehouse.settings import Settings


def use_stack_environment() -> None:
    """Takes on the sandbox's environment where the stack replays a tape."""
    if "ROTATION_ORIGIN" not in os.environ:
        with suppress(SandboxError):  # raised where none runs
            replayed = Sandbox.attach(stack.sandbox_home(Settings()))
            os.environ.update(stack.sandbox_environment(replayed))


def flow_command(flow: str) -> list[str]:
    """Arguments with which Python runs one flow; it exits with 0 where that completed."""
    code = f"from flows.{flow} import refresh_{flow} as flow; import sys; "
    return ["-c", code + "sys.exit(0 if flow(return_state=True).is_completed() else 1)"]


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
    use_stack_environment()
    settings = Settings()
    stack.start_database(settings)
    environment = os.environ | prefect_server.start_server(settings) | dict(own or {})
    return run_and_wait([sys.executable, *arguments], environment)


def run_and_wait(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs a program and waits for it, interrupted or not; its exit code.

    Ctrl-C reaches the program, too, which needs its time: a run writes down that it was cancelled.
    `subprocess.run` would kill it after a quarter of a second.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        # a handler of Python's, unlike SIG_IGN, is not the program's, too
        signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.Popen(command, env=environment).wait()
    finally:
        signal.signal(signal.SIGINT, before)
