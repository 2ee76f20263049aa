"""Notifications of failed, late and degraded runs, sent to ROTATION_NOTIFY_URL by automations.

Without that setting no message is sent; the events are in the event feed of the UI all the same.
"""

from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import UUID

from apprise import Apprise
from prefect.blocks.notifications import SlackWebhook
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from pydantic import SecretStr

from warehouse.base_error import RotationError
from warehouse.settings import Settings

BLOCK = "rotation-notify"
# Prefect marks a run as late after 15 s, which a restarting worker or a queued run exceeds
LATE_AFTER = timedelta(minutes=15)
FLOW_RUN = ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"})
# runs of deployments only: messages for their subflow runs would be duplicates
OF_A_DEPLOYMENT = ResourceSpecification(
    {"prefect.resource.role": "deployment", "prefect.resource.id": "prefect.deployment.*"}
)
SUBJECT = "{{ flow.name }}: {{ flow_run.state.name }}"
BODY = (
    "{{ flow_run.state.message }}\n\nRun {{ flow_run.name }} of {{ flow.name }}, "
    "{{ flow_run.state.timestamp }}. {{ flow_run|ui_url }}"
)


class NotifyError(RotationError):
    """ROTATION_NOTIFY_URL is not a supported address; the message does not contain it."""


def to_apprise_url(url: str) -> str:
    """Return the address as an Apprise URL, which Prefect's notification block needs.

    Args:
        url: A webhook of Slack, Discord, Teams, Google Chat and others; mailto(s)://user:
            password@host?to=... for mail, or another URL that Apprise supports. Any other web
            address receives the message as JSON with `title` and `message`.

    Raises:
        NotifyError: If it is none of them. The message does not quote it, since it has a secret.
    """
    if Apprise.instantiate(url, suppress_exceptions=True) is not None:
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotifyError(
            f"ROTATION_NOTIFY_URL starts with {parts.scheme!r}: it must be a web address, "
            "mailtos://user:password@host?to=someone@example.com, or another URL that Apprise "
            "supports."
        )
    scheme = "jsons" if parts.scheme == "https" else "json"
    # Apprise treats query parameters without a leading dash as its own options
    query = urlencode({f"-{name}": value for name, value in parse_qsl(parts.query)})
    path = quote(parts.path, safe="/%")
    return f"{scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")


def notifications(settings: Settings) -> list[AutomationCore]:
    """Return the automations that send messages; none without ROTATION_NOTIFY_URL.

    The address is stored in a Prefect block, encrypted.

    Raises:
        NotifyError: If the address is invalid.
    """
    if settings.notify_url is None:
        return []
    # Prefect passes this block's URL to Apprise unchanged, for every service
    url = SecretStr(to_apprise_url(settings.notify_url.get_secret_value()))
    block = SlackWebhook(url=url).save(BLOCK, overwrite=True)
    assert isinstance(block, UUID)
    return [
        _notification(
            block,
            "a run failed",
            "A run of a deployment ended as Failed, Crashed or TimedOut.",
            EventTrigger(
                expect={f"prefect.flow-run.{name}" for name in ("Failed", "Crashed", "TimedOut")},
                match=FLOW_RUN,
                match_related=OF_A_DEPLOYMENT,
            ),
        ),
        _notification(
            block,
            "a run is degraded",
            "A run of a deployment completed with missing data.",
            EventTrigger(
                expect={"prefect.flow-run.Degraded"},
                match=FLOW_RUN,
                match_related=OF_A_DEPLOYMENT,
            ),
        ),
        _notification(
            block,
            "a run is late",
            "A scheduled run has neither started nor been cancelled for 15 minutes.",
            EventTrigger(
                after={"prefect.flow-run.Late"},
                expect={f"prefect.flow-run.{name}" for name in ("Pending", "Running", "Cancelled")},
                match=FLOW_RUN,
                for_each={"prefect.resource.id"},
                posture=Posture.Proactive,
                within=LATE_AFTER,
            ),
        ),
    ]


def _notification(
    block: UUID, name: str, description: str, trigger: EventTrigger
) -> AutomationCore:
    return AutomationCore(
        name=name,
        description=description,
        trigger=trigger,
        actions=[SendNotification(block_document_id=block, subject=SUBJECT, body=BODY)],
    )


def delete_notification_block() -> None:
    """Delete the notification block if it exists."""
    try:
        SlackWebhook.delete(BLOCK)
    except ValueError:
        return  # it does not exist
