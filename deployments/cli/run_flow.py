"""Run flows in the foreground, in a child process that uses the stack's Prefect server."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from deployments.sandbox.client import Sandbox
from deployments.sandbox.launch import SandboxError
from deployments.stack import prefect_server, stack
from deployments.stack.database import (
    has_current_origin,
    has_rows,
    set_current,
    start_database,
)
from deployments.stack.outside_server import outside_server_notice
from warehouse.settings import Settings


def use_stack_environment() -> None:
    """Set the sandbox's environment variables if the stack replays a tape."""
    if "ROTATION_ORIGIN" not in os.environ:
        with suppress(SandboxError):  # raised if none runs
            replayed = Sandbox.attach(stack.sandbox_home(Settings()))
            os.environ.update(stack.sandbox_environment(replayed))


def flow_command(flow: str) -> list[str]:
    """Return arguments for Python that run a flow; the exit code is 0 if it completed."""
    name = flow.replace("-", "_")
    code = f"from flows.{name} import refresh_{name} as flow; import sys; "
    return ["-c", code + "sys.exit(0 if flow(return_state=True).is_completed() else 1)"]


def run_python(arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> int:
    """Run Python in the stack's environment and return its exit code; start the services first.

    A separate process is needed because Prefect reads its settings at import.

    Args:
        arguments: Arguments of the interpreter.
        variables: Additional environment variables.

    Raises:
        ServiceError: If the Prefect server does not start.
    """
    use_stack_environment()
    settings = Settings()
    # after a demo the current warehouse is the tape's; a command that loads nothing must not
    # replace it by an empty live one
    start_database(settings, set_as_current=not has_current_origin(settings))
    own = prefect_server.start_server(settings)
    if notice := outside_server_notice(own["PREFECT_API_URL"]):
        print(notice, file=sys.stderr)
    environment = os.environ | own | dict(variables or {})
    try:
        return run_and_wait([sys.executable, *arguments], environment)
    finally:
        if has_rows(settings):
            set_current(settings)


def run_and_wait(
    command: Sequence[str], environment: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> int:
    """Run a program, wait for it even after Ctrl-C, and return its exit code.

    Ctrl-C reaches the program too, and a run needs time to record that it was cancelled;
    `subprocess.run` would kill it after 0.25 s.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        # unlike SIG_IGN, a Python handler is not inherited by the child process
        signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.Popen(command, env=environment, pass_fds=pass_fds).wait()
    finally:
        signal.signal(signal.SIGINT, before)
