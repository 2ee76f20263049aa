"""Where shards run: in order, lazily, and only on workers that have the same code."""

import os
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pytest
from distributed import LocalCluster

from expectations import contracts
from expectations.tables import daily_price
from tasks.extract.yahoo.extract import PriceRequest
from tasks.run import task_runner
from tasks.run.context import open_run
from tasks.run.task_runner import TaskRunnerError, map_shards, open_task_runner, run_shard
from tasks.validate.shards import evaluate_contract, evaluate_shard, split
from warehouse.settings import Settings

NOW = datetime(2024, 7, 8, 22, tzinfo=UTC)
SCHEDULER = "tls://scheduler.example:8786"


def double(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


class SeparateProcess:
    """A stand-in for a worker: what is sent and returned goes through bytes."""

    def __init__(self) -> None:
        self.submitted: list[object] = []

    def __enter__(self) -> "SeparateProcess":
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, task: object, parameters: dict[str, object]) -> "SeparateProcess":
        self.submitted.append(parameters)
        future = SeparateProcess()
        future.sent = pickle.dumps(parameters)
        return future

    def result(self) -> object:
        return pickle.loads(pickle.dumps(run_shard.fn(**pickle.loads(self.sent))))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[SeparateProcess]:
    """A task runner that is open."""
    runner = SeparateProcess()
    monkeypatch.setattr(task_runner, "_make_runner", lambda settings: runner)
    with open_task_runner(Settings(task_runner="processes")):
        yield runner


def test_without_a_task_runner_shards_run_here_and_one_at_a_time():
    read: list[int] = []

    def shards() -> Iterator[tuple[int]]:
        for number in range(3):
            read.append(number)
            yield (number,)

    with open_task_runner(Settings()):
        found = map_shards(double, shards())
        assert next(found) == (0, os.getpid())
        assert read == [0]
        assert [*found] == [(2, os.getpid()), (4, os.getpid())]


def test_a_single_shard_starts_no_worker(worker):
    assert [*map_shards(double, [(7,)])] == [(14, os.getpid())]
    assert worker.submitted == []


def test_shards_are_read_as_workers_take_them_and_results_keep_their_order(worker, monkeypatch):
    monkeypatch.setattr(task_runner, "_process_count", lambda: 2)
    found = map_shards(double, ((number,) for number in range(100)))
    assert next(found)[0] == 0
    assert len(worker.submitted) < 12
    assert [number for number, _ in found] == [2 * number for number in range(1, 100)]


def test_a_worker_with_other_code_is_refused(worker, monkeypatch):
    found = map_shards(double, [(1,), (2,)])
    assert next(found)[0] == 2
    monkeypatch.setattr(task_runner, "CODE_CHECKSUM", "another")
    with pytest.raises(TaskRunnerError, match="another version of the product"):
        next(found)


@pytest.mark.parametrize("url", [None, "http://127.0.0.1:4200/api"])
def test_workers_elsewhere_must_reach_prefect(url, monkeypatch):
    monkeypatch.setattr(task_runner.PREFECT_API_URL, "value", lambda: url)
    settings = Settings(task_runner="dask", dask_address=SCHEDULER)
    with (
        open_task_runner(settings),
        pytest.raises(TaskRunnerError, match="in 'Another Prefect server' in docs"),
    ):
        list(map_shards(double, [(1,), (2,)]))


def test_a_setting_that_cannot_work_fails_the_run_that_needs_shards_alone(settings, query):
    # workers elsewhere, and a Prefect server of the tests' own machine
    dask = settings.model_copy(update={"task_runner": "dask", "dask_address": SCHEDULER})
    with open_run("macro", dask, publish_artifact=False):
        assert [*map_shards(double, [(7,)])] == [(14, os.getpid())]
    with (
        pytest.raises(TaskRunnerError),
        open_run("derived", dask, publish_artifact=False),
    ):
        list(map_shards(double, [(1,), (2,)]))
    (_, *failed), completed = query(
        settings,
        "select * from (select flow, state, detail from audit.run order by run_id desc) as run",
    )
    assert completed[:2] == ("macro", "completed")
    assert failed[0] == "failed"
    assert f"The workers at {SCHEDULER} cannot reach Prefect" in failed[1]


def test_a_scheduler_that_nobody_runs_is_named_and_tried_once(monkeypatch):
    monkeypatch.setattr(task_runner, "CONNECT_SECONDS", 0.5)
    # the discard port, where nobody listens
    settings = Settings(task_runner="dask", dask_address="tcp://127.0.0.1:9")
    with open_task_runner(settings):
        for _ in range(2):
            with pytest.raises(TaskRunnerError, match="Could not connect to the Dask scheduler"):
                list(map_shards(double, [(1,), (2,)]))


def test_a_scheduler_without_workers_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(task_runner, "CONNECT_SECONDS", 2)
    with LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address=None, local_directory=tmp_path
    ) as cluster:
        settings = Settings(task_runner="dask", dask_address=cluster.scheduler_address)
        with (
            open_task_runner(settings),
            pytest.raises(TaskRunnerError, match="There is no worker of the Dask scheduler at"),
        ):
            list(map_shards(double, [(1,), (2,)]))


class LostCluster:
    """A stand-in for a Dask runner and its future: one reply of the scheduler per wait."""

    def __init__(self, *replies: object) -> None:
        self.replies = list(replies)
        self.client = self.wrapped_future = self

    def result(self, timeout: float) -> str:
        if self.replies == ["result"]:
            return "rows"
        raise TimeoutError

    def done(self) -> bool:
        return False

    def scheduler_info(self) -> dict[str, object]:
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return {"workers": {str(place): {"status": each} for place, each in enumerate(reply)}}


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ([["running"], ["paused"], []], "has had no worker for 120 seconds"),
        ([[], ["running"], [], []], "has had no worker for 120 seconds"),
        ([OSError("timed out")], r"scheduler was lost \(OSError\)"),
    ],
)
def test_a_cluster_without_workers_ends_the_wait(replies, message):
    cluster = LostCluster(*replies)
    with pytest.raises(TaskRunnerError, match=message):
        task_runner._result_on_dask(cluster, cluster)
    assert cluster.replies == []


def test_a_worker_that_reconnects_goes_on():
    cluster = LostCluster([], ["running"], [], "result")
    assert task_runner._result_on_dask(cluster, cluster) == "rows"


def test_the_checksum_covers_the_versions_that_round_numbers(monkeypatch):
    assert task_runner.code_checksum() == task_runner.CODE_CHECKSUM
    others = []
    for library in task_runner.LIBRARIES:
        monkeypatch.setattr(
            task_runner, "version", lambda name, changed=library: "0" if name == changed else "1"
        )
        others.append(task_runner.code_checksum())
    assert len({*others, task_runner.CODE_CHECKSUM}) == 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task_runner": "dask", "dask_address": "tcp://scheduler.example:8786"}, "tls://"),
        ({"task_runner": "dask", "dask_address": "scheduler.example:8786"}, "tls://"),
        ({"task_runner": "processes", "dask_address": SCHEDULER}, "needs ROTATION_TASK_RUNNER"),
        ({"task_runner": "threads"}, "'', 'processes' or 'dask'"),
    ],
)
def test_settings_that_cannot_work_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Settings(**values)


def broken_bars(tickers: int, days: int) -> pd.DataFrame:
    """Bars of which each third ticker has a duplicate, a negative price and one day too many."""
    sessions = pd.bdate_range("2024-06-03", periods=days)
    rows = [
        (f"T{ticker:03}", day, 10.0 + number % 3)
        for ticker in range(tickers)
        for number, day in enumerate(sessions)
    ]
    frame = pd.DataFrame(rows, columns=["ticker", "session_date", "close"])
    bad = frame.iloc[:: 3 * days]
    frame = pd.concat([frame, bad, bad.assign(close=-1.0)]).sample(frac=1, random_state=3)
    frame = frame.reset_index(drop=True).assign(
        **{name: lambda rows: rows["close"] for name in ("open", "high", "low")},
        volume=pd.Series(1000, index=range(len(frame)), dtype="Int64"),
        removed_split_factor=1.0,
        volume_resolution=0.0,
        source="test",
    )
    return daily_price.add_context(frame, NOW)


def test_rules_give_the_same_results_in_shards(worker, monkeypatch):
    contract, batch = daily_price.CONTRACT, broken_bars(tickers=30, days=25)
    rules = contract.rules[:-1]
    whole = evaluate_shard(contract, batch, rules)
    monkeypatch.setattr("tasks.validate.shards.SHARD_ROWS", 200)
    parts = split(batch, "ticker")
    assert len(parts) >= 3
    assert sum(part["ticker"].nunique() for part in parts) == 30
    sharded = evaluate_contract(contract, batch, rules)
    assert len(worker.submitted) == len(parts)
    broken = {each.rule.name for each in whole if not each.success}
    assert {"duplicate_bar", "price_not_positive", "not_a_session"} <= broken
    for one, other in zip(whole, sharded, strict=True):
        assert (one.rule, one.success, one.evaluated) == (
            other.rule,
            other.success,
            other.evaluated,
        )
        assert sorted(one.failing_rows) == [*other.failing_rows]


def test_contracts_and_batches_can_be_sent():
    request = PriceRequest("IWM", datetime(2024, 1, 2).date())
    sent = [request, broken_bars(1, 2), *(each for each in contracts().values())]
    for one, other in zip(sent, pickle.loads(pickle.dumps(sent)), strict=True):
        assert one.equals(other) if isinstance(one, pd.DataFrame) else one == other
