"""The keeper's words: what is sent comes back, and garbage is always a value."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.model.keeper_words import (
    LockState,
    No,
    Refusal,
    Request,
    Verb,
    Yes,
    format_answer,
    format_request,
    parse_answer,
    parse_request,
)

names = st.from_regex(r"(node|guest)-[A-Za-z0-9_][A-Za-z0-9_.+-]{0,248}", fullmatch=True)


@given(st.sampled_from(list(Verb)), names)
def test_requests(verb: Verb, name: str) -> None:
    assert parse_request(format_request(Request(verb, name))) == Request(verb, name)


def test_list_from_the_beginning() -> None:
    assert format_request(Request(Verb.LIST)) == b"list"
    assert parse_request(b"list") == Request(Verb.LIST)


@given(st.dictionaries(names, st.sampled_from(list(LockState)), max_size=20))
def test_answers(states: dict[str, LockState]) -> None:
    assert parse_answer(format_answer(Yes(states))) == Yes(states)


@pytest.mark.parametrize("why", list(No))
def test_refusals(why: No) -> None:
    refusal = Refusal(why, "guest-a is not held")
    assert parse_answer(format_answer(refusal)) == refusal


@given(st.binary(max_size=700))
def test_garbage_is_a_request_or_a_refusal(packet: bytes) -> None:
    found = parse_request(packet)
    assert isinstance(found, Refusal) or format_request(found) == packet


@pytest.mark.parametrize(
    "packet",
    [
        b"", b"put", b"put ", b"PUT guest-a", b"put guest-", b"put guest-a b", b"put guest-a\n",
        b"put master", b"put guest-../x", b"get guest-a/b", b"list ", b"list x", b"stop guest-a",
        b"put guest-" + b"a" * 250, b"put guest-\xc3\xa4", b"put guest-a\0", b"x" * 10_000,
    ],
)  # fmt: skip
def test_malformed(packet: bytes) -> None:
    found = parse_request(packet)
    assert isinstance(found, Refusal) and found.why is No.MALFORMED


@given(st.binary(max_size=100))
def test_clients_survive_garbage(packet: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_answer(packet)
