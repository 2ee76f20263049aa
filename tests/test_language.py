"""The language rules of CONTRIBUTING, as far as a list of words can check them."""

import re

import pytest

from tests.test_project import ROOT, written_files

# words with a plainer equivalent; each in pieces or as a pattern, so that this list does not match
FORBIDDEN = {
    r"an[e]w": "again, from scratch",
    r"befall(s|en)?": "happen to",
    r"whoever": "name the role",
    r"whatever": "name the thing, or `any`",
    r"bur(y|ied)": "mark as crashed",
    r"(bring|brings|brought)": "fetch, load, return",
    r"set aside": "quarantined",
    r"mend(s|ed)?": "fix, correct",
    r"told of": "notified of",
    r"dealings": "request policy",
    r"tak(e|es|ing) turns": "are serialized",
    r"of no matter": "ignored",
    r"nobody knows": "unknown",
    r"all is well": "all checks passed",
}
PATTERN = re.compile(rf"\b({'|'.join(FORBIDDEN)})\b", re.IGNORECASE)


def violations() -> list[str]:
    """Return file, line number and word of each violation."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {match[0]!r}"
        for path in written_files()
        if path.suffix in (".py", ".sql", ".md", ".yaml", ".example")
        # syllables of invented company names are no prose
        and path.name not in ("test_language.py", "CONTRIBUTING.md", "names.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in PATTERN.finditer(line)
    ]


def test_no_forbidden_word() -> None:
    assert violations() == []


@pytest.mark.parametrize(
    "line", ["it is made an" + "ew", "rows Set" + " aside", "the next run br" + "ings"]
)
def test_forbidden_words_are_found(line: str) -> None:
    assert PATTERN.search(line)
