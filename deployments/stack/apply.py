"""Apply automations and delete unlisted deployments, after `prefect deploy --all`.

Run as `python -m deployments.stack.apply` with the environment of the Prefect server.
"""

import sys

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.responses import DeploymentResponse

from deployments.stack import automations
from deployments.stack.notifications import NotifyError
from deployments.stack.stack import POOL, PREFECT_FILE
from warehouse.settings import Settings

# the API's maximum
PAGE_SIZE = 200


def delete_unlisted_deployments(client: SyncPrefectClient) -> list[str]:
    """Delete the work pool's deployments that prefect.yaml does not list, and return their names.

    A deployment that was renamed in prefect.yaml would otherwise stay scheduled under its old name.
    """
    entries = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))["deployments"]
    listed = {(entry["name"], entry["entrypoint"]) for entry in entries}
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    stored: list[DeploymentResponse] = []
    while page := client.read_deployments(
        work_pool_filter=pool, limit=PAGE_SIZE, offset=len(stored)
    ):
        stored += page
    unlisted = [each for each in stored if (each.name, each.entrypoint) not in listed]
    for deployment in unlisted:
        # the automations that Prefect created for its triggers
        client.delete_resource_owned_automations(f"prefect.deployment.{deployment.id}")
        client.delete_deployment(deployment.id)
    return [each.name for each in unlisted]


def main() -> None:
    """Apply both; end with a message if ROTATION_NOTIFY_URL is invalid."""
    with get_client(sync_client=True) as client:
        delete_unlisted_deployments(client)
    try:
        automations.apply(Settings())
    except NotifyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
