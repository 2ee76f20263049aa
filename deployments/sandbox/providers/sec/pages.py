"""Error pages of the SEC's front servers."""

import html
import re

from deployments.sandbox.providers.messages import Reply, html_reply

XML_TYPE = "application/xml"
XML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message>{}</Error>'
)
REQUEST = "<RequestId>S4NDB0XS4NDB0X00</RequestId><HostId>sandbox</HostId>"

#: Default User-Agents of web clients.
LIBRARIES = re.compile(
    r"^(python-|aiohttp|curl/|wget|okhttp|java/|go-http|libwww|scrapy|axios|node|postman)", re.I
)
CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}")


def has_contact_user_agent(user_agent: str) -> bool:
    """Return whether a User-Agent has its own name and an e-mail address."""
    return not LIBRARIES.match(user_agent) and CONTACT.search(user_agent) is not None


def undeclared_page() -> Reply:
    """Return the page for a client without contact address."""
    text = (
        "<p>State your company and an e-mail address in the User-Agent of each request, and stay "
        "under 10 requests a second.</p>"
    )
    return html_reply(403, "Your Request Originates from an Undeclared Automated Tool", text)


def rate_page(status: int) -> Reply:
    """Return the rate-limit page, which names no waiting time.

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
    """Return the page of a server under maintenance."""
    return html_reply(503, "SEC.gov | Service Unavailable")


def no_such_key(path: str) -> Reply:
    """Return the storage's reply to a missing key: there is no such fact.

    Args:
        path: Of the request.

    Returns:
        The XML of a missing key.
    """
    key = f"<Key>{html.escape(path.lstrip('/'))}</Key>"
    message = "The specified key does not exist."
    return Reply(404, XML.format("NoSuchKey", message, key + REQUEST).encode(), XML_TYPE)


def access_denied() -> Reply:
    """Return the archive's reply to a missing file: 403, as listing is forbidden."""
    return Reply(403, XML.format("AccessDenied", "Access Denied", REQUEST).encode(), XML_TYPE)
