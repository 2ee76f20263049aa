"""``python -m deployments.sandbox``: replay a tape until a signal stops it."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

import certifi
import orjson
import trustme

from deployments.sandbox.launch import STATE
from deployments.sandbox.tape.columns import TapeError
from deployments.sandbox.tape.records import parse_instant
from deployments.sandbox.tape.tape import load_tape
from deployments.sandbox.wire.control import SandboxState
from deployments.sandbox.wire.proxy import Proxy


def main() -> int:
    """Parse the arguments and serve.

    Returns:
        The exit code: 0 after a stop signal, 2 when the tape cannot be replayed.
    """
    parser = argparse.ArgumentParser(prog="python -m deployments.sandbox", description=__doc__)
    parser.add_argument("--tape", type=Path, required=True, help="folder to replay")
    parser.add_argument("--home", type=Path, required=True, help="folder for the sandbox's files")
    parser.add_argument("--clock", type=parse_instant, help="ISO instant, else the tape's own")
    parser.add_argument("--port", type=int, default=0, help="loopback port, else a free one")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(_serve(arguments.tape, arguments.home, arguments.clock, arguments.port))
    except TapeError as error:
        print(f"The sandbox cannot replay this tape: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(folder: Path, home: Path, clock: datetime | None, port: int) -> None:
    tape = load_tape(folder)
    world = SandboxState(tape, clock or tape.clock, os.getpid())
    authority = trustme.CA(organization_name="Great Rotation sandbox")
    proxy = Proxy(world, authority)
    home.mkdir(parents=True, exist_ok=True)
    bundle = home.resolve() / "sandbox-ca.pem"
    # The certificate alone: the authority's key never leaves this process.
    trusted = Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes()
    _write(bundle, trusted)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    facts = {"port": await proxy.start(port), "pid": os.getpid(), "ca_bundle": str(bundle)}
    state = home / STATE
    _write(state, orjson.dumps(facts | {"tape": tape.name, "kind": tape.kind}))
    try:
        await stopped.wait()
    finally:
        await proxy.stop()
        state.unlink(missing_ok=True)


def _write(file: Path, content: bytes) -> None:
    """Write a file atomically."""
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(file)


if __name__ == "__main__":
    sys.exit(main())
