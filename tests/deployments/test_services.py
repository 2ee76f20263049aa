"""Processes of the stack, by themselves."""

import os
import subprocess
import sys
from pathlib import Path

from deployments.services import Service

STOP = """
import pathlib, sys
from deployments.services import Service
sys.exit(not Service(pathlib.Path(sys.argv[1]), "sleeper").stop(patience_seconds=3600))
"""


def test_what_ended_is_not_waited_for_until_its_parent_asks(tmp_path: Path) -> None:
    """Whoever stops a stack need not be the process that started it; here that is this one."""
    service = Service(tmp_path, "sleeper")
    service.start([sys.executable, "-c", "import time; time.sleep(600)"], os.environ)
    subprocess.run([sys.executable, "-c", STOP, str(tmp_path)], check=True, timeout=120)
    assert service.facts() is None
