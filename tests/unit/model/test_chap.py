"""CHAP: what is read, what is written, and that no secret is ever shown."""

from __future__ import annotations

import pytest

from ovstools.errors import RefusedError, UsageError
from ovstools.model.chap import Chap, chap_of, parse_chap, with_chap
from tests.unit.model.captured import captured

MUTUAL = Chap("pool", "se # cret = 12", "array", "other")
ONE_WAY = Chap("pool", "se # cret = 12")


def test_it_is_written_as_iscsiadm_writes_it() -> None:
    plain = captured("iscsiadm", "record-file").replace(
        "startup = manual", "startup = automatic", 1
    )
    assert with_chap(plain, MUTUAL) == captured("iscsiadm", "record-file-chap")


def test_it_is_read_back() -> None:
    assert chap_of(captured("iscsiadm", "record-file-chap")) == MUTUAL
    assert chap_of(captured("iscsiadm", "record-file")) is None


def test_one_way_takes_the_target_s_name_and_secret_out() -> None:
    text = with_chap(captured("iscsiadm", "record-file-chap"), ONE_WAY)
    assert chap_of(text) == ONE_WAY
    assert "username_in" not in text and "password_in" not in text
    assert with_chap(text, MUTUAL) == captured("iscsiadm", "record-file-chap")
    assert with_chap(text, ONE_WAY) == text


@pytest.mark.parametrize("text", ["", "node.session.auth.authmethod = None\n", "hello\n"])
def test_what_is_no_record_is_not_written(text: str) -> None:
    with pytest.raises(RefusedError, match="not in the form"):
        with_chap(text, ONE_WAY)


@pytest.mark.parametrize(
    "text",
    [
        "username = pool\npassword = se # cret = 12\n",
        "# for the pool\n\n username=pool \n\tpassword=se # cret = 12",
        "node.session.auth.authmethod = CHAP\nnode.session.auth.username = pool\n"
        "node.session.auth.password = se # cret = 12\n",
    ],
)
def test_file(text: str) -> None:
    assert parse_chap(text, "pool.chap") == ONE_WAY


SECRET = "a secret that must not be shown"


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "username and password are needed"),
        (f"password = {SECRET}\n", "username and password are needed"),
        (f"username = pool\n{SECRET}\n", "pool.chap:2 is not understood"),
        (f"username = pool\n{SECRET} = x\n", "pool.chap:2 is not understood"),
        (f"username = pool\npassword = {SECRET}\npassword = {SECRET}\n", "pool.chap:3"),
        (f"username = pool\npassword = {SECRET}\nusername_in = array\n", "needs both"),
        (f"username = pool\npassword = {SECRET}\xe9\n", "CHAP password: 1 to 255"),
        ("username = pool\npassword =\n", "CHAP password: 1 to 255"),
        (f"username = pool\npassword = {SECRET * 9}\n", "CHAP password: 1 to 255"),
        (
            f"username = pool\npassword = {SECRET}\nusername_in = a\npassword_in = {SECRET}\n",
            "are the same",
        ),
    ],
)
def test_a_file_that_is_wrong(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_chap(text, "pool.chap")
    shown = caught.value.what + caught.value.hint + "".join(caught.value.evidence)
    assert SECRET not in shown


def test_no_secret_is_in_what_python_prints() -> None:
    assert "cret" not in repr(MUTUAL) and "other" not in repr(MUTUAL)
    assert MUTUAL.shown() == {
        "username": "pool",
        "password": "********",
        "username_in": "array",
        "password_in": "********",
    }
