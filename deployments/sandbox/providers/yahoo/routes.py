"""Mock of Yahoo: cookie, crumb, consent and the routes that yfinance requests."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from urllib.parse import parse_qs, quote, urlsplit

from deployments.sandbox.providers.messages import Reply, Request, html_reply, json_reply
from deployments.sandbox.providers.yahoo.chart import chart_error, chart_reply
from deployments.sandbox.providers.yahoo.history import ListingIndex
from deployments.sandbox.tape.tape import Tape

HOSTS = (
    "fc.yahoo.com",
    "finance.yahoo.com",
    "query1.finance.yahoo.com",
    "query2.finance.yahoo.com",
    "guce.yahoo.com",
    "consent.yahoo.com",
)
COLLECT = "https://consent.yahoo.com/v2/collectConsent?sessionId=3_cc-session_sandbox"
CRUMB = "Sb0xCrumb.1"


class Yahoo:
    """Replies as Yahoo Finance at the clock's time."""

    def __init__(self, tape: Tape) -> None:
        """Index a tape.

        Args:
            tape: Whose bars, actions and instruments are shown.
        """
        self._histories = ListingIndex(tape)

    def handle(self, request: Request, now: datetime) -> Reply:
        """Reply to one request.

        Args:
            request: To any of HOSTS.
            now: The clock.

        Returns:
            Yahoo's reply.
        """
        if request.host == "fc.yahoo.com":
            # The page itself does not exist at Yahoo either; what counts is the cookie.
            return html_reply(404, "Not Found", headers=(_cookie(),))
        if request.host in ("guce.yahoo.com", "consent.yahoo.com"):
            return _consent(request)
        if request.path == "/v1/test/getcrumb":
            return _crumb(request)
        head, _, symbol = request.path.rpartition("/")
        symbol = symbol.upper()
        if head == "/v8/finance/chart":
            return chart_reply(self._histories, symbol, request, now)
        if head == "/v10/finance/quoteSummary":
            modules = request.params.get("modules", "")
            text = f"No fundamentals data found for any of the summaryTypes={modules}"
            error = {"code": "Not Found", "description": text}
            return json_reply(404, {"quoteSummary": {"result": None, "error": error}})
        if request.path == "/v7/finance/quote":
            return json_reply(200, {"quoteResponse": {"result": [], "error": None}})
        if head == "/ws/fundamentals-timeseries/v1/finance/timeseries":
            meta = {"symbol": [symbol], "type": request.params.get("type", "").split(",")}
            return json_reply(200, {"timeseries": {"result": [{"meta": meta}], "error": None}})
        if request.host.startswith("query"):
            return chart_error(404, "Not Found", f"The sandbox does not replay {request.path}")
        return html_reply(404, "Not Found")


def redirect_to_consent(request: Request) -> Reply:
    """Redirect a client to the consent page, as Yahoo does for some European addresses.

    Args:
        request: The client's request; the last redirect returns to it.

    Returns:
        The redirect.
    """
    done = f"https://{request.host}{quote(request.path)}?{request.query}"
    return Reply(302, headers=(("Location", f"{COLLECT}&done={quote(done, safe='')}"),))


def _cookie() -> tuple[str, str]:
    # The client compares the expiry with its own clock, and yfinance fails on a cookie without one.
    expires = format_datetime(datetime.now(UTC) + timedelta(days=365), usegmt=True)
    value = (
        f"A3=d=AQABBSandbox&S=AQAAAsandbox; Expires={expires}; Max-Age=31557600; "
        "Domain=.yahoo.com; Path=/; SameSite=None; Secure; HttpOnly"
    )
    return ("Set-Cookie", value)


def _crumb(request: Request) -> Reply:
    if "A3=" not in request.headers.get("cookie", ""):
        error = {"code": "Unauthorized", "description": "Invalid Cookie"}
        return json_reply(401, {"finance": {"result": None, "error": error}})
    return Reply(200, CRUMB.encode())


def _consent(request: Request) -> Reply:
    done = request.params.get("done", "")
    if request.method == "POST":
        # Only back to Yahoo, as the form came from there.
        if done and urlsplit(done).hostname in HOSTS:
            return Reply(302, headers=(("Location", done), _cookie()))
        return html_reply(200, "Thank you", headers=(_cookie(),))
    if request.path == "/copyConsent":
        return html_reply(200, "Yahoo", headers=(_cookie(),))
    action = f"{COLLECT}&done={quote(done, safe='')}" if done else COLLECT
    session = parse_qs(urlsplit(COLLECT).query)["sessionId"][0]
    fields = {"csrfToken": "sandbox", "sessionId": session, "namespace": "yahoo"}
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{value}"/>' for name, value in fields.items()
    )
    form = f'<form method="post" action="{escape(action)}">{inputs}<button name="agree"/></form>'
    return html_reply(200, "Yahoo is part of the Yahoo family of brands", form)
