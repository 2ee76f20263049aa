"""Compare the versions of Prefect's server and client."""

from collections.abc import Mapping
from importlib.metadata import version

import httpx

from deployments.stack.processes import ServiceError


class VersionMismatch(ServiceError):
    """The Prefect server and this installation have different versions."""


def server_version(environment: Mapping[str, str]) -> str:
    """Return the version of the Prefect server at PREFECT_API_URL.

    Raises:
        ServiceError: It sends none.
    """
    url = environment["PREFECT_API_URL"].rstrip("/")
    name, _, password = environment.get("PREFECT_API_AUTH_STRING", "").partition(":")
    auth = (name, password) if password else None
    try:
        # an outside server may be behind the proxy; the local one is excluded by NO_PROXY
        is_local = url.startswith(("http://127.0.0.1", "http://localhost"))
        with httpx.Client(auth=auth, timeout=30, trust_env=not is_local) as client:
            found = client.get(f"{url}/admin/version").raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
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
            f" this installation {installed}. Install the same version on both, since workers and"
            " servers of different versions loop."
        )
    return served
