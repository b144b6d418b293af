"""Settings: what is refused before anything is read, in words that name the option."""

from __future__ import annotations

from typing import Any

import pytest

from asyncloader.values.dialect import Dialect
from asyncloader.values.errors import UsageError
from asyncloader.values.schema import KeyAttribute
from asyncloader.values.settings import AwsSettings, CreateSettings, LoadSettings, RejectLimit, RetrySettings


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"delimiter": ""}, "--delimiter takes one ASCII character, not ''"),
        ({"delimiter": ";;"}, "--delimiter takes one ASCII character"),
        ({"delimiter": "§"}, "--delimiter takes one ASCII character"),
        ({"delimiter": "\n"}, "--delimiter takes one ASCII character"),
        ({"delimiter": None}, "--delimiter takes one ASCII character"),
        ({"quote": "''"}, "--quote takes one ASCII character"),
        ({"quote": "\0"}, "--quote takes one ASCII character"),
        ({"escape": "\r"}, "--escape takes one ASCII character"),
        ({"delimiter": '"'}, "must differ"),
        ({"escape": '"'}, "must differ"),
        ({"delimiter": "\\", "escape": "\\"}, "must differ"),
        ({"header": False}, "--no-header needs --columns"),
        ({"skip_rows": -1}, "--skip-rows takes 0 or more, not -1"),
        ({"encoding": "latin-77"}, "--encoding 'latin-77' is not an encoding"),
        ({"encoding": "base64"}, "--encoding 'base64' is not an encoding"),
    ],
)
def test_a_dialect_that_cannot_be_read_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Dialect(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"delimiter": "\t"},
        {"delimiter": "\x01"},
        {"quote": None},
        {"quote": None, "delimiter": '"'},
        {"escape": "\\"},
        {"header": False, "columns": ("a",)},
        {"encoding": "cp1252"},
        {"skip_rows": 3},
    ],
)
def test_unusual_dialects_are_taken(options: dict[str, Any]) -> None:
    Dialect(**options)


@pytest.mark.parametrize(
    ("encoding", "transcodes"),
    [
        *[(name, False) for name in ("utf-8", "UTF-8", "utf8", "utf_8", "ascii", "utf-8-sig")],
        *[(name, True) for name in ("latin-1", "utf-16", "cp1252", "shift_jis")],
    ],
)
def test_only_what_is_not_utf8_is_turned_into_it(encoding: str, transcodes: bool) -> None:
    assert Dialect(encoding=encoding).transcodes == transcodes


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("0", RejectLimit(rows=0)),
        ("100", RejectLimit(rows=100)),
        ("5%", RejectLimit(percent=5)),
        ("0.5%", RejectLimit(percent=0.5)),
        ("0%", RejectLimit(percent=0)),
        ("100%", RejectLimit(percent=100)),
    ],
)
def test_a_reject_limit_is_a_number_or_a_percentage(text: str, limit: RejectLimit) -> None:
    assert RejectLimit.parse(text) == limit
    assert RejectLimit.parse(str(limit)) == limit


@pytest.mark.parametrize("text", ["", "%", "five", "-1", "-1%", "101%", "nan%", "inf%", "1.5", "5%%", "5 rows"])
def test_anything_else_is_no_reject_limit(text: str) -> None:
    with pytest.raises(UsageError, match="--max-rejects takes a number of rows or a percentage like 5%"):
        RejectLimit.parse(text)


@pytest.mark.parametrize(
    ("limit", "rejected", "read", "at_end", "exceeded"),
    [
        ("0", 0, 10, False, False),
        ("0", 1, 10, False, True),
        ("10", 10, 10, True, False),
        ("10", 11, 10**6, False, True),
        ("5%", 999, 999, False, False),
        ("5%", 999, 999, True, True),
        ("5%", 50, 1000, False, False),
        ("5%", 51, 1000, False, True),
        ("5%", 1, 20, True, False),
        ("5%", 2, 39, True, True),
        ("0%", 0, 0, True, False),
        ("0%", 1, 1000, False, True),
        ("100%", 1000, 1000, True, False),
    ],
)
def test_a_percentage_is_judged_from_row_1000_on_and_at_the_end(
    limit: str, rejected: int, read: int, at_end: bool, exceeded: bool
) -> None:
    assert RejectLimit.parse(limit).exceeded(rejected, read, at_end=at_end) == exceeded


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"attempts": 0}, "retry attempts must be 1 or more, not 0"),
        ({"base_s": 0.0}, "base_s must be more than 0"),
        ({"cap_s": -1.0}, "cap_s must be more than 0"),
        ({"request_timeout_s": 0.0}, "request_timeout_s must be more than 0"),
        ({"connect_timeout_s": 0.0}, "connect_timeout_s must be more than 0"),
    ],
)
def test_retries_that_make_no_sense_are_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        RetrySettings(**options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"workers": 0}, "--workers takes 1 to 1024 or auto, not 0"),
        ({"workers": 1025}, "--workers takes 1 to 1024 or auto"),
        ({"empty": "skip"}, "--empty takes drop, null or keep, not 'skip'"),
        ({"limit": -1}, "--limit takes 0 or more, not -1"),
        ({"block_bytes": 15}, "block_bytes must be 16 or more"),
        ({"blocks_in_flight": 0}, "blocks_in_flight must be 1 or more"),
    ],
)
def test_a_load_that_cannot_run_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        LoadSettings(**options)


@pytest.mark.parametrize("options", [{"workers": 1}, {"workers": 1024}, {"limit": 0}, {"block_bytes": 16}])
def test_the_ends_of_each_range_are_taken(options: dict[str, Any]) -> None:
    LoadSettings(**options)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "", "//host", "http://", "http://host:port"])
def test_an_endpoint_must_be_a_web_address(url: str) -> None:
    with pytest.raises(UsageError, match="--endpoint-url"):
        AwsSettings(endpoint_url=url)


@pytest.mark.parametrize(
    "url", [None, "http://localhost:8000", "https://dynamodb.eu-west-1.amazonaws.com", "http://[::1]:1"]
)
def test_a_web_address_is_taken(url: str | None) -> None:
    assert AwsSettings(endpoint_url=url).endpoint_url == url


def test_a_transport_must_be_one_that_there_is() -> None:
    with pytest.raises(UsageError, match="--transport takes one of auto, native, aioboto3, not 'fast'"):
        AwsSettings(transport="fast")  # type: ignore[arg-type]  # what a user may write


@pytest.mark.parametrize(
    ("key", "sort_key", "settings"),
    [
        ("id", None, CreateSettings(KeyAttribute("id"))),
        ("id:N", "", CreateSettings(KeyAttribute("id", "N"))),
        ("id:b", "at:n", CreateSettings(KeyAttribute("id", "B"), KeyAttribute("at", "N"))),
    ],
)
def test_a_new_table_needs_a_key_and_may_have_a_sort_key(
    key: str, sort_key: str | None, settings: CreateSettings
) -> None:
    assert CreateSettings.of(key, sort_key) == settings


@pytest.mark.parametrize("key", [None, ""])
def test_a_new_table_without_a_key_is_refused(key: str | None) -> None:
    with pytest.raises(UsageError, match="--create needs --key"):
        CreateSettings.of(key, "at")


def test_a_new_table_with_one_attribute_as_both_keys_is_refused() -> None:
    with pytest.raises(UsageError, match="--key and --sort-key must differ"):
        CreateSettings.of("id:S", "id:N")
