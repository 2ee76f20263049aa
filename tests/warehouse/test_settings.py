"""What is said of a wrong setting, in logs, states and mails alike: never its value."""

import pytest
from pydantic import ValidationError

from warehouse.settings import Settings

SECRET = "hunter2"
# of each kind: too short, no contact, and a fault of another that would quote all settings
WRONG = {
    "loader_password": {"ROTATION_LOADER_PASSWORD": SECRET},
    "reader_password": {"ROTATION_READER_PASSWORD": SECRET},
    "ui_password": {"ROTATION_UI_PASSWORD": SECRET},
    "sec_user_agent": {"ROTATION_SEC_USER_AGENT": SECRET},
    "sec_requests_per_second must be below": {
        "ROTATION_SEC_REQUESTS_PER_SECOND": "8",
        "DATABASE_URL": f"postgresql://{SECRET}",
        "FRED_API_KEY": SECRET,
    },
    "fred_requests_per_second must be at most": {
        "ROTATION_FRED_REQUESTS_PER_SECOND": "2.5",
        "FRED_API_KEY": SECRET,
    },
    "origin": {"ROTATION_ORIGIN": f"{SECRET}!", "ROTATION_NOTIFY_URL": SECRET},
    "overlap_sessions": {"ROTATION_OVERLAP_SESSIONS": SECRET},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_named_and_not_quoted(monkeypatch, name):
    for variable, value in WRONG[name].items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert name in str(refused.value)
    assert "input" not in str(refused.value)
    assert SECRET not in str(refused.value) + repr(refused.value)
