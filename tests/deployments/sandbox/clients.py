"""Runs the real clients for the tests: one JSON command a line in, one JSON result a line out.

It is a process of its own because the clients read the environment when they are imported, and
keep caches and openers for the whole process.
"""

import base64
import json
import sys

import fredapi
import httpx
import pandas as pd
import yfinance as yf
from yfinance.data import YfData


def history(ticker, **options):
    # yfinance keeps failed replies, too, and would not ask again.
    YfData.cache_get.cache_clear()
    frame = yf.Ticker(ticker).history(**{"auto_adjust": False, "timeout": 120} | options)
    rows = [
        [str(day.date()), *(None if pd.isna(value) else value for value in row)]
        for day, row in zip(frame.index, frame.astype(object).values.tolist(), strict=True)
    ]
    return {"zone": str(frame.index.tz), "columns": ["Date", *frame.columns], "rows": rows}


def fred(method, *arguments, key="a" * 32, **options):
    result = getattr(fredapi.Fred(api_key=key), method)(*arguments, **options)
    if isinstance(result, pd.DataFrame):
        result = result.astype(str).values.tolist()
    elif isinstance(result, pd.Series):
        pairs = ((getattr(at, "date", lambda at=at: at)(), value) for at, value in result.items())
        result = {str(at): None if pd.isna(value) else value for at, value in pairs}
    return result


def get(url, patience_seconds=120, **options):
    reply = httpx.get(url, timeout=httpx.Timeout(120, read=patience_seconds), **options)
    body = base64.b64encode(reply.content).decode()
    return {"status": reply.status_code, "body": body, "headers": dict(reply.headers)}


def main():
    yf.config.debug.hide_exceptions = False
    commands = {"history": history, "fred": fred, "get": get}
    for line in sys.stdin:
        name, arguments, options = json.loads(line)
        try:
            reply = {"result": commands[name](*arguments, **options)}
        except Exception as error:  # the tests compare it
            reply = {"error": type(error).__name__, "text": str(error)}
        print(json.dumps(reply, default=str), flush=True)


if __name__ == "__main__":
    main()
