"""Compare the versions of Prefect's server and client.

Run as `python -m deployments.stack.versions` before a worker that uses a server outside this stack:
the one that Prefect's settings name, in the environment or in a profile.
"""

import sys
from collections.abc import Mapping
from importlib.metadata import version

from deployments.stack.processes import ServiceError
from tasks.http_client import HttpError, open_client, open_local_client


class VersionMismatch(ServiceError):
    """The Prefect server and this installation have different versions."""


def server_version(environment: Mapping[str, str]) -> str:
    """Return the version of the Prefect server at PREFECT_API_URL.

    Raises:
        ServiceError: It sends none.
    """
    url = environment["PREFECT_API_URL"].rstrip("/")
    # an outside server may be behind the proxy
    is_local = url.startswith(("http://127.0.0.1", "http://localhost"))
    opened = open_local_client if is_local else open_client
    try:
        with opened(30, login=environment.get("PREFECT_API_AUTH_STRING")) as client:
            found = client.get(f"{url}/admin/version").raise_for_status().json()
    except (HttpError, ValueError) as error:
        raise ServiceError(
            f"The Prefect server at {url} sent no version: {error}. Check PREFECT_API_URL and"
            " PREFECT_API_AUTH_STRING."
        ) from error
    return str(found)


def require_same_version(environment: Mapping[str, str]) -> str:
    """Return the version of the Prefect server, which must be this installation's.

    Workers and servers of different versions repeat their requests without end.

    Raises:
        VersionMismatch: It is another.
    """
    installed, served = version("prefect"), server_version(environment)
    if served != installed:
        raise VersionMismatch(
            f"The Prefect server at {environment['PREFECT_API_URL']} has version {served}, and"
            f" this installation {installed}; with different versions calls"
            " between worker and server may fail and repeat without end."
            " Restart a server of this checkout by make down and make up; on another, install the"
            " same version."
        )
    return served


def client_environment() -> dict[str, str]:
    """Return address and login of the server that Prefect's settings name.

    Raises:
        ServiceError: They name none.
    """
    # the import takes two seconds, and commands of the stack do not need it
    from prefect.settings import get_current_settings

    api = get_current_settings().api
    if not api.url:
        raise ServiceError(
            "PREFECT_API_URL is neither in the environment nor in the active Prefect profile."
            " Set it to the address of the server's API, such as http://127.0.0.1:4200/api."
        )
    login = api.auth_string.get_secret_value() if api.auth_string else ""
    return {"PREFECT_API_URL": api.url, "PREFECT_API_AUTH_STRING": login}


if __name__ == "__main__":
    try:
        require_same_version(client_environment())
    except ServiceError as mismatch:
        sys.exit(str(mismatch))
