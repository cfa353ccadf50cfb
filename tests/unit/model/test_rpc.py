from __future__ import annotations

import pytest

from ovstools.model.rpc import is_answer, null_call

XID = 0x01020304
#: record mark, xid, REPLY, MSG_ACCEPTED, verifier, SUCCESS (RFC 5531, section 9)
ANSWER = bytes.fromhex("80000018010203040000000100000000000000000000000000000000")


def test_the_call_is_as_the_rfc_says() -> None:
    words = "80000028 01020304 00000000 00000002 000186a3 00000003 00000000" + " 00000000" * 4
    assert null_call(XID) == bytes.fromhex(words)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (ANSWER, True),
        (ANSWER[:12], True),
        (ANSWER[:11], False),
        (ANSWER.replace(b"\x01\x02\x03\x04", b"\x01\x02\x03\x05"), False),
        (null_call(XID), False),
        (b"HTTP/1.1 400 Bad Request\r\n", False),
    ],
)
def test_answers(record: bytes, expected: bool) -> None:
    assert is_answer(record, XID) is expected
