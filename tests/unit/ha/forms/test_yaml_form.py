"""Operator files: scalars are never guessed at, and what is no YAML of our kind is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import RefusedError
from ovstools.ha.forms import shape
from ovstools.ha.forms.odd import Odd
from ovstools.ha.forms.policy import Pool, format_pool, parse_policy, parse_pool
from ovstools.ha.forms.reading import Unreadable, demand
from ovstools.ha.forms.rules import format_rules, parse_rules
from ovstools.ha.forms.yaml_form import MAX_BYTES, decoded, format_yaml, parse_yaml
from ovstools.ha.wishes import APART, COUNT, FREEZE, IGNORE, MIGRATE, TOGETHER, Policy, Rule

UUID = "0004FB0000050000B705A7C1F2E34D56"
HEAD = f"format: 1\nuuid: {UUID}\n"


# ---------------------------------------------------------------- YAML


@pytest.mark.parametrize(
    "word",
    ["1234", "on", "0x10", "010", "1e3", "12:30:45", "2026-11-22", "yes", "1_000", ".5", "'null'"],
)
def test_scalars_stay_as_they_are_written(word: str) -> None:
    assert decoded(f"[{word}]".encode()) == [word.strip("'")]


@pytest.mark.parametrize("empty", ["", "~", "null", "# nothing"])
def test_what_is_not_given_counts_as_absent(empty: str) -> None:
    read = parse_pool(f"{HEAD}utility: {empty}\nfreeze_max: {empty}\n".encode())
    assert read == Pool(UUID)
    assert "uuid: expected a value" in reason(f"format: 1\nuuid: {empty}\n")


def reason(text: str) -> str:
    """Return why a pool.yaml is not readable."""
    read = parse_pool(text.encode())
    assert isinstance(read, Unreadable)
    return read.reason


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "format: expected 1, found nothing"),
        (b"# nothing yet\n", "format: expected 1, found nothing"),
        (b"uuid: x\n", "line 1: format: expected 1, found nothing"),
        (b"format: one\n", "line 1: format: expected a whole number from 1, found 'one'"),
        (b"- a\n", "line 1: expected keys and values, found ['a']"),
        (b"a\n", "line 1: expected keys and values, found 'a'"),
        (b"\xff\n", "expected UTF-8 text"),
        (b"format: 1\nha: [on\n", "line 3: expected YAML ("),
        (b"format: 1\n\tha: on\n", "line 2: expected YAML ("),
        (b"format: 1\nha: \x01\n", "expected YAML ("),
        (b"format: 1\nha: on\nha: off\n", "line 3: expected every key once, found 'ha'"),
        (b"format: &a 1\nha: *a\n", "line 2: expected no aliases, found '*a'"),
        (b"format: 1\n<<: {ha: on}\n", "line 2: expected a word as key, found '<<'"),
        (b"format: 1\n[a]: on\n", "line 2: expected a word as key"),
        (b"format: 1\nha: !!bool on\n", "line 2: expected no tags"),
        (b"!!python/object:os.system {}\n", "line 1: expected no tags"),
        (b"format: 1\n---\nformat: 1\n", "line 2: expected one document, found '---'"),
        (b"[" * 100000, "line 1: expected at most 20 levels"),
        (b"- " * 100000, "line 1: expected at most 20 levels"),
        (b"[\n" * 21, "line 21: expected at most 20 levels"),
        (b"#" * (MAX_BYTES + 1), f"expected at most {MAX_BYTES} bytes, found {MAX_BYTES + 1}"),
    ],
)
def test_what_is_no_yaml_of_our_kind_is_named(data: bytes, expected: str) -> None:
    read = parse_pool(data)
    assert isinstance(read, Unreadable)
    assert read.reason.startswith(expected)
    assert not read.is_newer


def test_a_newer_format_is_recognised_whatever_else_it_says() -> None:
    read = parse_pool(b"format: 2\nuuid: [{of: another form}]\n")
    assert read == Unreadable("format 2; this ovstools knows up to 1", is_newer=True)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_editors_of_other_systems(mark: str, ending: str) -> None:
    text = mark + f"---\n{HEAD}ha: off\n".replace("\n", ending)
    assert parse_policy(text.encode()) == Policy(ha=False)


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(parse_pool(data), Unreadable)


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    assert isinstance(parse_pool(text.encode("utf-8", "surrogatepass")), Unreadable)


def test_demand_names_the_file_and_the_way_out() -> None:
    assert demand(Policy(), "pool.yaml") == Policy()
    for data, hint in ((b"", "correct or restore the file"), (b"format: 9", "upgrade ovstools")):
        with pytest.raises(RefusedError, match=r"^pool\.yaml: .*format") as caught:
            demand(parse_pool(data), "pool.yaml")
        assert hint in caught.value.hint


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9)))
def test_every_text_can_be_spelled(texts: list[str]) -> None:
    read = parse_yaml(1, format_yaml(1, {"texts": texts}), shape.record(TEXTS))
    assert read == {"texts": tuple(texts)}


TEXTS = {"texts": shape.list_of(shape.text)}


def test_foreign_readers_see_the_same() -> None:
    import yaml

    values = {"a": "1234", "b": "on", "c": "null", "d": ["x: y", "#z", "it's"], "e": True, "f": 2.5}
    assert yaml.safe_load(format_yaml(1, values)) == {"format": 1, **values}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x"])
def test_what_has_no_spelling_raises(value: Any) -> None:
    with pytest.raises(TypeError):
        format_yaml(1, {"a": value})


@pytest.mark.parametrize("text", ["", "+1", "1_0", "0x1", "1e3", "010", "nan", ".inf", "1.", "५"])
def test_numbers_are_plain(text: str) -> None:
    (scalar,) = decoded(f"['{text}']".encode())
    for reader in (shape.count, shape.seconds):
        with pytest.raises(Odd):
            reader(scalar)


# ---------------------------------------------------------------- pool.yaml


FULL = Pool(
    UUID,
    Policy(
        ha=False, shutdown=MIGRATE, placement=COUNT, maintenance=frozenset({"a", "on", "7"}),
        max_starts=2, startup_wait_s=0.5, freeze_max_s=60.0, stale_s=5.0, stable_s=1.0,
        drain_s=0.0, ha_off=IGNORE,
    ),
    "vmserver3.example.com",
)  # fmt: skip


@pytest.mark.parametrize("pool", [FULL, Pool(UUID)], ids=["full", "defaults"])
def test_pools_come_back(pool: Pool) -> None:
    assert parse_pool(format_pool(pool)) == pool
    assert parse_policy(format_pool(pool)) == pool.policy


def test_every_field_of_a_policy_is_in_the_file() -> None:
    assert all(getattr(FULL.policy, name) != value for name, value in vars(Policy()).items())
    text = format_pool(FULL).decode()
    assert len(text.splitlines()) == len(vars(Policy())) + len(("format", "uuid", "utility"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ha: maybe", "line 3: ha: expected on or off, found 'maybe'"),
        ("ha_off: stop", "line 3: ha_off: expected freeze or ignore, found 'stop'"),
        ("shutdown: [freeze]", "line 3: shutdown: expected conditional or freeze or failover or "),
        ("maintenance: vmserver1", "line 3: maintenance: expected a list of servers"),
        ("maintenance: [a, b/c]", "line 3: maintenance[2]: expected the name of a server"),
        ("max_starts: 0", "line 3: max_starts: expected 1 to 1000, found '0'"),
        ("drain: 10m", "line 3: drain: expected seconds, a plain number from 0, found '10m'"),
        ("drain: -1", "line 3: drain: expected seconds, a plain number from 0, found '-1'"),
        ("stale: 1", "line 3: stale: expected seconds, a plain number from 5, found '1'"),
        ("utility: ../x", "line 3: utility: expected the name of a server"),
    ],
)
def test_odd_pools(line: str, expected: str) -> None:
    assert reason(f"{HEAD}{line}\n").startswith(expected)


@pytest.mark.parametrize("uuid", [UUID.lower(), "0004fb00-0005-0000-b705-a7c1f2e34d56"])
def test_a_uuid_has_one_spelling(uuid: str) -> None:
    assert parse_pool(f"format: 1\nuuid: {uuid}\n".encode()) == Pool(UUID)


def test_a_uuid_of_digits_is_no_number() -> None:
    assert parse_pool(f"format: 1\nuuid: {'07' * 16}\n".encode()) == Pool("07" * 16)


def test_keys_that_are_not_known_are_reported() -> None:
    read = parse_pool(f"{HEAD}max_start: 9\nnotes: {{a: [1]}}\n".encode())
    assert read == Pool(UUID, unknown=("max_start", "notes"))


@pytest.mark.parametrize("word", ["true", "on", "YES", "'on'"])
def test_switches(word: str) -> None:
    assert parse_policy(f"{HEAD}ha: {word}\n".encode()) == Policy()
    assert parse_policy(f"{HEAD}ha: off\nha_off: {FREEZE}\n".encode()) == Policy(ha=False)


# ---------------------------------------------------------------- rules.yaml


def test_rules_come_back() -> None:
    rules = (Rule(TOGETHER, frozenset({"b", "1234"})), Rule(APART, frozenset({"a", "b", "c"})))
    assert parse_rules(format_rules(rules)) == rules
    assert parse_rules(format_rules(())) == parse_rules(b"format: 1\nrules:\n") == ()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("{together: [a, b]}", "line 2: rules: expected a list of rules"),
        ("[[a, b]]", "line 2: rules[1]: expected keys and values"),
        ("[{together: [a]}]", "line 2: rules[1].together: expected two guests or more, each once"),
        ("[{apart: [a, a]}]", "line 2: rules[1].apart: expected two guests or more, each once"),
        ("[{apart: a}]", "line 2: rules[1].apart: expected a list of guests, found 'a'"),
        ("[{apart: [a, '*']}]", "line 2: rules[1].apart[2]: expected the name of a guest"),
        ("[{near: [a, b]}]", "line 2: rules[1]: expected one of the keys together, apart"),
        ("[{apart: [a, b], together: [c, d]}]", "line 2: rules[1]: expected either together or"),
        ("[{}]", "line 2: rules[1]: expected either together or apart"),
    ],
)
def test_odd_rules(rules: str, expected: str) -> None:
    read = parse_rules(f"format: 1\nrules: {rules}\n".encode())
    assert isinstance(read, Unreadable)
    assert read.reason.startswith(expected)
