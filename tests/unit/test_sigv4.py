"""Signing: what never shows, and what is kept between two requests."""

from __future__ import annotations

from asyncloader.wire.sigv4 import Credentials, Signer
from asyncloader.wire.transport import TARGET, Envelope


def signer(token: str | None = None) -> Signer:
    return Signer(
        Credentials("AKIDEXAMPLE", "secret-text", token),
        host="dynamodb.us-east-1.amazonaws.com",
        region="us-east-1",
        service="dynamodb",
        target=TARGET,
    )


def test_secrets_do_not_show_in_a_repr() -> None:
    shown = repr(Credentials("AKIDEXAMPLE", "secret-text", "token-text"))
    assert "AKIDEXAMPLE" in shown
    assert "secret-text" not in shown
    assert "token-text" not in shown


def test_the_secret_never_goes_out() -> None:
    assert b"secret-text" not in signer("token").head(b"{}", 0.0)


def test_a_token_is_sent_and_signed_only_where_there_is_one() -> None:
    assert b"x-amz-security-token: token-text\r\n" in signer("token-text").head(b"", 0.0)
    assert b";x-amz-security-token;" in signer("token-text").head(b"", 0.0)
    assert b"security-token" not in signer().head(b"", 0.0)


def test_two_bodies_have_two_signatures_and_one_body_has_one_in_its_second() -> None:
    used = signer()
    assert used.head(b"{}", 5.0) != used.head(b"[]", 5.0)
    assert used.head(b"{}", 5.0) == used.head(b"{}", 5.9)
    assert used.head(b"{}", 5.0) != used.head(b"{}", 6.0)


def test_a_body_is_its_items_between_the_two_ends_of_the_envelope() -> None:
    envelope = Envelope('ta"ble')
    assert envelope.wrap([b"1,2", memoryview(b"3")]) == (
        b'{"RequestItems":{"ta\\"ble":[1,2,3]},"ReturnConsumedCapacity":"TOTAL"}'
    )
    assert envelope.wrap([memoryview(b"1")]) == envelope.wrap([b"1"])
