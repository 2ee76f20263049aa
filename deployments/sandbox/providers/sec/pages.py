"""What the SEC's front servers answer with in place of data."""

import html
import re

from deployments.sandbox.providers.messages import Reply, html_reply

XML_TYPE = "application/xml"
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message>{}</Error>'
)
REQUEST = "<RequestId>S4NDB0XS4NDB0X00</RequestId><HostId>sandbox</HostId>"

#: What web clients call themselves when nobody has told them who asks.
LIBRARIES = re.compile(
    r"^(python-|aiohttp|curl/|wget|okhttp|java/|go-http|libwww|scrapy|axios|node|postman)", re.I
)
CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}")


def has_contact_user_agent(user_agent: str) -> bool:
    """Tell whether a User-Agent says who asks: a name of one's own and an e-mail address."""
    return not LIBRARIES.match(user_agent) and CONTACT.search(user_agent) is not None


def undeclared_page() -> Reply:
    """The refusal of a client that does not say who it is."""
    text = (
        "<p>State your company and an e-mail address in the User-Agent of each request, and stay "
        "under 10 requests a second.</p>"
    )
    return html_reply(403, "Your Request Originates from an Undeclared Automated Tool", text)


def rate_page(status: int) -> Reply:
    """The page of an address that asked too fast; it says nothing of how long to wait.

    Args:
        status: 403 or 429; www.sec.gov has sent the page with 200, too.

    Returns:
        The page.
    """
    text = (
        "<p>The rate of requests from your address is above the threshold. Access returns once "
        "it has stayed below it for 10 minutes.</p>"
    )
    return html_reply(status, "SEC.gov | Request Rate Threshold Exceeded", text)


def maintenance_page() -> Reply:
    """The page of a server that is out of order."""
    return html_reply(503, "SEC.gov | Service Unavailable")


def no_such_key(path: str) -> Reply:
    """The storage's answer to a name that it does not hold: there is no such fact.

    Args:
        path: Of the request.

    Returns:
        The XML of a missing key.
    """
    key = f"<Key>{html.escape(path.lstrip('/'))}</Key>"
    message = "The specified key does not exist."
    return Reply(404, XML.format("NoSuchKey", message, key + REQUEST).encode(), XML_TYPE)


def access_denied() -> Reply:
    """The archive's answer to a file that does not exist: it may not be listed, hence 403."""
    return Reply(403, XML.format("AccessDenied", "Access Denied", REQUEST).encode(), XML_TYPE)
