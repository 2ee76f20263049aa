"""All settings of the product, read once at the start of a run.

A setting comes from the environment or from `.env` in the checkout; `.env.example` lists all
settings. Secrets are `SecretStr`, which prints as asterisks.
"""

import os
import re
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from warehouse.base_error import RotationError
from warehouse.reference import read_reference_rows
from warehouse.task_runner_settings import TaskRunnerSettings
from warehouse.tiingo_settings import TiingoSettings

CHECKOUT = Path(__file__).resolve().parent.parent

ENV_FILE = CHECKOUT / ".env"
ENV_PREFIX = "ROTATION_"
TEST_PREFIX = "ROTATION_TEST_"
# pg_ctl passes the path of the data through a shell, in double quotes
UNSAFE_IN_HOME = re.compile(r'[$"`\\\x00-\x1f]')
# requests per second; the SEC blocks clients above 10
SEC_LIMIT = 8
FRED_LIMIT = 2
USER_AGENT = re.compile(r"[^,()\[\]@]*\S [^,()\[\]@\s]+@[^,()\[\]@\s]+\.[A-Za-z]{2,}")


class SettingsFileError(RotationError):
    """The file `.env` cannot be read as text."""


class Settings(TaskRunnerSettings, TiingoSettings):
    """Settings of a process, named like their environment variables without `ROTATION_`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_file=ENV_FILE,
        # editors of Windows begin a file with a byte-order mark
        env_file_encoding="utf-8-sig",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        # validation errors reach logs, states and mails: never quote a password
        hide_input_in_errors=True,
    )

    home: Path = Field(
        default=CHECKOUT / ".rotation",
        description="State folder: database, logs, caches, passwords. Relative paths start at"
        " the checkout.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL"),
        description="External PostgreSQL, 15 or newer. Unset: the embedded server is used.",
    )
    loader_password: SecretStr | None = Field(
        default=None,
        min_length=12,
        description="Password of rotation_loader, the flows' login. Unset: generated.",
    )
    reader_password: SecretStr | None = Field(
        default=None,
        min_length=12,
        description="Password of rotation_sql, the built-in reader login. Unset: generated.",
    )
    ui_password: SecretStr | None = Field(
        default=None,
        min_length=12,
        description="Password of Prefect's UI and API. Unset: generated in ROTATION_HOME.",
    )
    fred_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("FRED_API_KEY"),
        description="Key of the FRED API. Unset: fredgraph.csv, without vintages.",
    )
    notify_url: SecretStr | None = Field(
        default=None,
        description="Notification target for failed, late and degraded runs: webhook or mailtos://...",
    )
    health_coverage_pct: float = Field(
        default=95.0,
        ge=0,
        le=100,
        description="Minimum coverage of the newest session's bars for health checks, in percent.",
    )
    health_free_gb: float = Field(
        default=2.0, ge=0, description="Minimum free disk space for health checks, in GB."
    )
    run_retention_days: int = Field(
        default=90,
        ge=1,
        description="Days that Prefect keeps ended runs with logs and artifacts; audit keeps all.",
    )
    postgres_bin: Path | None = Field(
        default=None,
        description="Folder of PostgreSQL binaries for the embedded server. Unset: the wheel.",
    )
    origin: str = Field(
        default="live",
        pattern=r"^[A-Za-z0-9._-]{1,60}$",
        description="Data origin: live, or a tape's name. One warehouse has one origin.",
    )
    clock: str = Field(
        default="",
        description="Clock override: ISO timestamp or URL. Empty: system clock.",
    )
    history_start: date = Field(
        default=date(1927, 12, 30),
        description="First session requested for a new ticker; Yahoo has no older bar.",
    )
    overlap_sessions: int = Field(
        default=10,
        ge=1,
        description="Stored sessions that a daily run requests again, to load corrections.",
    )
    funds: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("IWM", "IVV"),
        description="Funds whose holdings give the index members (IWM, IVV, IJR, IJH).",
    )

    yahoo_requests_per_second: float = Field(default=2.0, gt=0)
    yahoo_concurrency: int = Field(default=4, ge=1, le=32)
    yahoo_timeout_seconds: float = Field(default=20.0, gt=0)
    yahoo_attempts: int = Field(default=3, ge=1)
    yahoo_backoff_seconds: float = Field(default=30.0, ge=0)
    # tickers per transaction: more save little time and need more memory
    yahoo_batch_tickers: int = Field(default=100, ge=1, le=200)

    fred_requests_per_second: float = Field(default=1.0, gt=0)
    fred_timeout_seconds: float = Field(default=30.0, gt=0)
    fred_attempts: int = Field(default=3, ge=1)
    fred_backoff_seconds: float = Field(default=20.0, ge=0)

    ishares_requests_per_second: float = Field(default=0.5, gt=0)
    ishares_timeout_seconds: float = Field(default=60.0, gt=0)
    ishares_attempts: int = Field(default=3, ge=1)
    ishares_backoff_seconds: float = Field(default=20.0, ge=0)
    ishares_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(
            "https://www.ishares.com/us/products/{product_id}/{slug}/latest-holdings.csv",
            "https://www.ishares.com/us/products/{product_id}/{slug}/1467271812596.ajax"
            "?fileType=csv&fileName={fund}_holdings&dataType=fund&asOfDate={as_of:%Y%m%d}",
            "https://www.blackrock.com/varnish-api/blk-one01-product-data/product-data/api/v1/"
            "get-fund-document?appType=PRODUCT_PAGE&appSubType=ISHARES&targetSite=us-ishares"
            "&locale=en_US&portfolioId={product_id}&userType=individual&component=holdings"
            "&asOfDate={as_of:%Y%m%d}",
        ),
        description="URLs of holdings files, separated by commas, tried in order. Fields: columns"
        " of reference table fund, and as_of.",
    )

    sec_user_agent: SecretStr | None = Field(
        default=None,
        description="SEC User-Agent: company name and e-mail address. Unset: no SEC requests.",
    )
    sec_requests_per_second: float = Field(default=6.0, gt=0)
    sec_concurrency: int = Field(default=4, ge=1, le=16)
    sec_timeout_seconds: float = Field(default=60.0, gt=0)
    sec_attempts: int = Field(default=3, ge=2)
    sec_backoff_seconds: float = Field(default=20.0, ge=0)
    sec_pause_seconds: float = Field(
        default=600.0,
        ge=0,
        description="Pause of all SEC requests after a block; the SEC blocks for 600 seconds.",
    )
    sec_batch_companies: int = Field(default=25, ge=1, le=200)
    sec_fill: Literal["auto", "api", "bulk"] = Field(
        default="auto",
        description="Source of facts: api (per company), bulk (nightly archive, over 1 GB), or auto"
        " (bulk for more than sec_bulk_companies companies).",
    )
    sec_bulk_companies: int = Field(
        default=1000,
        ge=1,
        description="Number of companies above which sec_fill auto uses the archive.",
    )

    def __init__(self, **values: Any) -> None:
        """Read the settings.

        Raises:
            SettingsFileError: `.env` is no UTF-8 text.
            ValidationError: A setting is invalid, or a variable is none.
        """
        try:
            super().__init__(**values)
        except UnicodeDecodeError as error:
            raise SettingsFileError(
                f"{ENV_FILE} is no UTF-8 text (byte {error.start}); it may be UTF-16. Save it again"
                " as UTF-8."
            ) from None

    @model_validator(mode="after")
    def _refuse_unknown_variables(self) -> Self:
        known = variable_names()
        file = ENV_FILE if ENV_FILE.is_file() else None
        in_file = {*dotenv_values(file, encoding="utf-8-sig")} if file else set()
        unknown = []
        for name in sorted({*os.environ, *in_file}):
            upper = name.upper()
            is_ours = upper.startswith(ENV_PREFIX) and not upper.startswith(TEST_PREFIX)
            # in a file of ours, a name close to a setting is one misspelt: ROTATON_HOME
            is_close = name in in_file and get_close_matches(upper, known, cutoff=0.85)
            if upper not in known and (is_ours or is_close):
                place = ENV_FILE if name in in_file else "the environment"
                near = get_close_matches(upper, known, n=1, cutoff=0)[0]
                unknown.append(
                    f"{name} in {place} is no setting; the nearest is {near}. Rename or remove it."
                )
        if unknown:
            raise ValueError(" ".join(unknown))
        return self

    @model_validator(mode="after")
    def _validate_home(self) -> Self:
        if found := UNSAFE_IN_HOME.search(str(self.home)):
            raise ValueError(
                f"ROTATION_HOME, {self.home}, has the character {found[0]!r}, which PostgreSQL's"
                " pg_ctl cannot handle. Choose a folder without it."
            )
        return self

    @field_validator("history_start")
    @classmethod
    def _validate_history_start(cls, value: date) -> date:
        # a day more, since it is tomorrow already in some time zones
        if value > datetime.now(UTC).date() + timedelta(days=1):
            raise ValueError(f"{value} is in the future, so no session would be requested")
        return value

    @model_validator(mode="after")
    def _validate_sec_rate_limit(self) -> Self:
        # the SEC allows 10 per second over all machines and hosts, and blocks clients above it
        if self.origin == "live" and self.sec_requests_per_second >= SEC_LIMIT:
            raise ValueError(
                f"sec_requests_per_second must be below {SEC_LIMIT}: the SEC blocks above 10"
            )
        return self

    @model_validator(mode="after")
    def _validate_fred_rate_limit(self) -> Self:
        # per address, over all processes; more than this in one second earns a pause
        if self.origin == "live" and self.fred_requests_per_second > FRED_LIMIT:
            raise ValueError(f"fred_requests_per_second must be at most {FRED_LIMIT}, FRED's limit")
        return self

    @field_validator("sec_user_agent")
    @classmethod
    def _validate_sec_user_agent(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or USER_AGENT.fullmatch(value.get_secret_value().strip()):
            return value
        raise ValueError(
            "must be a name and an e-mail address without commas or brackets, as in"
            ' "Sample Company contact@example.com"'
        )

    @field_validator("funds", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            if not value.strip(" ,"):
                raise ValueError(
                    "names no fund, so there would be no index members. Write IWM,IVV, or remove"
                    " the variable for these two"
                )
            return tuple(part.strip().upper() for part in value.split(",") if part.strip())
        return value

    @field_validator("ishares_urls", mode="before")
    @classmethod
    def _split_urls(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("ishares_urls")
    @classmethod
    def _refuse_urls_of_the_newest_file_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        fields: dict[str, object] = dict.fromkeys(read_reference_rows("fund")[0], "x")
        fields["as_of"] = date(2026, 1, 2)
        try:
            dated = [url for url in value if url.format_map(fields) and "{as_of" in url]
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"have an unknown field: {error}; known: {', '.join(fields)}"
            ) from None
        if not dated:
            raise ValueError("need a URL with {as_of:%Y%m%d}, for the files of past days")
        return value

    @field_validator("funds")
    @classmethod
    def _refuse_unknown_funds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = [row["fund"] for row in read_reference_rows("fund")]
        for fund in value:
            if fund not in known:
                near = get_close_matches(fund, known, n=1, cutoff=0)[0]
                raise ValueError(
                    f"{fund} is not in warehouse/reference/fund.csv, which has {', '.join(known)};"
                    f" the nearest is {near}. Correct it, or add a row for the fund"
                )
        return value

    @field_validator("home", mode="before")
    @classmethod
    def _default_home(cls, value: object) -> object:
        # an empty path would be the checkout itself
        return ".rotation" if isinstance(value, str) and not value.strip() else value

    @field_validator("home")
    @classmethod
    def _resolve_home(cls, value: Path) -> Path:
        # the same folder for every process, independent of its working directory
        return CHECKOUT / value.expanduser()

    @field_validator(
        "database_url",
        "loader_password",
        "reader_password",
        "ui_password",
        "fred_api_key",
        "sec_user_agent",
        "notify_url",
        mode="before",
    )
    @classmethod
    def _empty_to_none(cls, value: object) -> object:
        # `.env` files and Docker Compose pass unset variables as empty strings
        return None if isinstance(value, str) and not value.strip() else value


def variable_names() -> list[str]:
    """Return the names of all variables that are settings."""
    return [variable_name(field) for field in Settings.model_fields]


def variable_name(field: str) -> str:
    """Return the variable of a setting: ROTATION_HOME of home."""
    alias = Settings.model_fields[field].validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else []
    return str(choices[0]) if choices else f"{ENV_PREFIX}{field.upper()}"
