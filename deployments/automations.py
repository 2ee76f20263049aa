"""What the Prefect server does by itself when something happens, applied by `rotation up`."""

import sys

from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore

from deployments.notifications import NotifyError, forget_address, notifications
from warehouse.settings import Settings

# ours by their names: what bears one and is no longer wanted is removed
PREFIX = "rotation: "


def automations(settings: Settings) -> list[AutomationCore]:
    """All automations that are wanted. A new one is one more entry.

    Raises:
        NotifyError: when ROTATION_NOTIFY_URL can't be used.
    """
    return [
        automation.model_copy(update={"name": PREFIX + automation.name})
        for automation in notifications(settings)
    ]


def apply(settings: Settings) -> None:
    """Brings the server's automations of ours to what is wanted; again changes nothing.

    Raises:
        NotifyError: when ROTATION_NOTIFY_URL can't be used.
    """
    wanted = {each.name: each for each in automations(settings)}
    with get_client(sync_client=True) as client:
        for held in client.read_automations():
            if not held.name.startswith(PREFIX):
                continue
            again = wanted.pop(held.name, None)
            if again is None:
                client.delete_automation(held.id)
            else:
                # Whether it is switched off is the user's choice. Built anew from its fields: the
                # client leaves out those that nobody set, and the server asks for all but one.
                whole = again.model_dump(exclude={"owner_resource"}) | {"enabled": held.enabled}
                client.update_automation(held.id, AutomationCore.model_validate(whole))
        for automation in wanted.values():
            client.create_automation(automation)
    if settings.notify_url is None:
        forget_address()


if __name__ == "__main__":
    try:
        apply(Settings())
    except NotifyError as error:
        sys.exit(str(error))
