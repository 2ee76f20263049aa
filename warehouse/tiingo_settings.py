"""Settings of the second source of prices, Tiingo, which is off without a key."""

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings


class TiingoSettings(BaseSettings):
    """Settings of the second source of prices; `warehouse.settings` reads them with all others."""

    tiingo_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("TIINGO_API_KEY"),
        description="Key of Tiingo's API. Unset: prices are not compared with a second source.",
    )
    tiingo_sample_tickers: int = Field(
        default=20,
        ge=0,
        le=500,
        description="Index members compared per session, beside the pairs' legs. The free plan has"
        " 500 tickers a month: 22 sessions of 20, and the legs.",
    )
    # the free plan has 50; five are left for `rotation doctor` and for other programs
    tiingo_requests_per_hour: int = Field(default=45, ge=1)
    tiingo_requests_per_second: float = Field(default=1.0, gt=0)
    tiingo_timeout_seconds: float = Field(default=20.0, gt=0)
    tiingo_attempts: int = Field(default=2, ge=1)
    tiingo_backoff_seconds: float = Field(default=5.0, ge=0)

    @field_validator("tiingo_api_key", mode="before")
    @classmethod
    def _empty_key_to_none(cls, value: object) -> object:
        # `.env` files and Docker Compose pass unset variables as empty strings
        return None if isinstance(value, str) and not value.strip() else value
