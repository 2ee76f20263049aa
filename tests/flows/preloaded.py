"""What flow runs import late or work out once each: done before they are forked."""

import gc
from importlib import import_module
from pkgutil import iter_modules

import pandas as pd
from tqdm import tqdm

import flows
import tasks.report.charts
from expectations.calendars.edgar import may_be_closed
from expectations.contract import Rule
from tasks.validate.evaluate import evaluate_with_gx

LATE = (
    "fastapi.encoders",
    "fredapi",
    "prefect.flow_engine",
    "prefect.task_engine",
    "tasks.extract.yahoo.client",
)

for package in (flows, tasks.report.charts):
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        import_module(module.name)
for name in (*LATE, "tests.flows.replay"):
    import_module(name)

# a forked process must not inherit the locks of a thread, which tqdm would start
tqdm.monitor_interval = 0
# the trading calendar, the federal holidays, and the registry of Great Expectations
may_be_closed(pd.Timestamp("2026-02-13").date())
NOT_NULL = Rule("filled", "", "ExpectColumnValuesToNotBeNull", {"column": "ticker"})
evaluate_with_gx(pd.DataFrame({"ticker": ["SPY"]}), [NOT_NULL])
# what is loaded stays: without this each fork's first collection would copy all of its memory
gc.freeze()
