"""Find a Prefect server outside this stack that the caller's settings name, and say so.

The stack has a Prefect server of its own, and passes its address to every process that it starts.
An address in the environment, in `.env` or in the active Prefect profile is therefore not used.
"""

import os
import tomllib
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from warehouse.settings import ENV_FILE

VARIABLE = "PREFECT_API_URL"


def outside_server_notice(own_url: str) -> str | None:
    """Return a sentence if the caller's settings name another server than the stack's.

    Prefect's own settings classes would take two seconds to import for each command.

    Args:
        own_url: The API of the stack's server.
    """
    for place, url in (
        ("the environment", os.environ.get(VARIABLE)),
        (str(ENV_FILE), _dotenv_url()),
        _profile_url(),
    ):
        if url:
            if _normalized(url) == _normalized(own_url):
                return None
            return (
                f"{VARIABLE} in {place} is {_without_login(url)} and is not used: rotation has its"
                f" own Prefect server, {own_url}. To run the flows from the other one, see"
                " 'Another Prefect server' in docs/runbook.md."
            )
    return None


def _dotenv_url() -> str | None:
    file = ENV_FILE
    return dotenv_values(file, encoding="utf-8-sig").get(VARIABLE) if file.is_file() else None


def _profile_url() -> tuple[str, str | None]:
    """Return the active Prefect profile in words, and its address; None without one."""
    # a file that cannot be read is Prefect's to report; an account without a home has none
    with suppress(OSError, ValueError, AttributeError, KeyError, RuntimeError):
        home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()
        file = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        name = os.environ.get("PREFECT_PROFILE") or content.get("active", "")
        return f"the Prefect profile {name}", content["profiles"].get(name, {}).get(VARIABLE)
    return "", None


def _normalized(url: str) -> str:
    return url.strip().rstrip("/").replace("://localhost", "://127.0.0.1")


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
