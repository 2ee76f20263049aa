"""Who is told when something goes wrong: one notification block, and what it is told of.

The automations react to events that Prefect's server writes anyway, so that without a
ROTATION_NOTIFY_URL nothing is lost but the message: the events stay in the UI's event feed.
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
# Prefect calls a run late after 15 s; a worker that is restarting or a run that waits for the one
# before it is no news
LATE_AFTER = timedelta(minutes=15)
FLOW_RUN = ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"})
# a deployment's own runs, not the flows that they call: those would tell everything twice
OF_A_DEPLOYMENT = ResourceSpecification(
    {"prefect.resource.role": "deployment", "prefect.resource.id": "prefect.deployment.*"}
)
SUBJECT = "{{ flow.name }}: {{ flow_run.state.name }}"
BODY = (
    "{{ flow_run.state.message }}\n\nRun {{ flow_run.name }} of {{ flow.name }}, "
    "{{ flow_run.state.timestamp }}. {{ flow_run|ui_url }}"
)


class NotifyError(RotationError):
    """ROTATION_NOTIFY_URL is no address that messages can be sent to."""


def to_apprise_url(url: str) -> str:
    """The address in the form that Prefect's notification block takes.

    Args:
        url: A web address of Slack, Discord, Teams, Google Chat and the like; mailto(s)://user:
            password@host?to=... for mail, or any other address that Apprise knows; another web
            address: it is sent the message as JSON, with `title` and `message`.

    Raises:
        NotifyError: when it is none of them. The message does not quote it: it holds a secret.
    """
    if Apprise.instantiate(url, suppress_exceptions=True) is not None:
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotifyError(
            f"ROTATION_NOTIFY_URL begins with {parts.scheme!r}: it must be a web address, "
            "mailtos://user:password@host?to=someone@example.com, or another address that "
            "Apprise knows."
        )
    scheme = "jsons" if parts.scheme == "https" else "json"
    # what is not marked by a dash, Apprise takes for an option of its own
    query = urlencode({f"-{name}": value for name, value in parse_qsl(parts.query)})
    path = quote(parts.path, safe="/%")
    return f"{scheme}://{parts.netloc}{path}" + (f"?{query}" if query else "")


def notifications(settings: Settings) -> list[AutomationCore]:
    """The automations that tell whoever ROTATION_NOTIFY_URL names; none without it.

    The address is kept in a block of Prefect's, encrypted.

    Raises:
        NotifyError: when the address can't be used.
    """
    if settings.notify_url is None:
        return []
    # Prefect hands this block's address on to Apprise as it is, whatever service it names
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
            "A run of a deployment loaded what it could, and something is missing.",
            EventTrigger(
                expect={"prefect.flow-run.Degraded"},
                match=FLOW_RUN,
                match_related=OF_A_DEPLOYMENT,
            ),
        ),
        _notification(
            block,
            "a run is late",
            "A run was due and has neither started nor been cancelled since.",
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
    block: UUID, what: str, description: str, trigger: EventTrigger
) -> AutomationCore:
    return AutomationCore(
        name=what,
        description=description,
        trigger=trigger,
        actions=[SendNotification(block_document_id=block, subject=SUBJECT, body=BODY)],
    )


def delete_notification_block() -> None:
    """Removes the block, where there is one."""
    try:
        SlackWebhook.delete(BLOCK)
    except ValueError:
        return  # there was none
