from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovstools.errors import UsageError
from ovstools.model.shell_vars import ShellVars
from ovstools.model.timing import (
    DEFAULT,
    FAST,
    MULTIPATH,
    PRESETS,
    Timing,
    format_timing,
    from_vars,
    parse_timing,
    threshold_for,
)
from tests.unit.model.captured import captured


# o2cb.sysconfig(5); quorum delay as O2NET_QUORUM_DELAY_MS
@pytest.mark.parametrize(
    ("timing", "fence_s", "dead_s", "quorum_delay_s", "split_s"),
    [
        (Timing(7, 10000), 12, 14, 18, 42),
        (FAST, 30, 32, 36, 78),
        (DEFAULT, 60, 62, 66, 158),
        (MULTIPATH, 120, 122, 126, 308),
    ],
)
def test_what_follows(
    timing: Timing, fence_s: int, dead_s: int, quorum_delay_s: int, split_s: float
) -> None:
    assert (timing.fence_s, timing.dead_s, timing.quorum_delay_s, timing.split_s) == (
        fence_s,
        dead_s,
        quorum_delay_s,
        split_s,
    )


@pytest.mark.parametrize(
    ("timeout_s", "threshold"), [(60, 31), (120, 61), (30, 16), (12, 7), (61, 32), (0.5, 2)]
)
def test_threshold_for(timeout_s: float, threshold: int) -> None:
    assert threshold_for(timeout_s) == threshold
    assert Timing(threshold).fence_s >= timeout_s


def test_presets_are_good() -> None:
    assert {name: timing.problems() for name, timing in PRESETS.items()} == {
        "fast": [],
        "default": [],
        "multipath": [],
    }
    assert Timing() == DEFAULT


@pytest.mark.parametrize(
    ("word", "timing"),
    [
        ("fast", FAST),
        ("default", DEFAULT),
        ("multipath", MULTIPATH),
        ("threshold=61", Timing(61)),
        ("threshold=16,idle=10000", FAST),
        ("reconnect=4,keepalive=3,idle=2,threshold=1", Timing(1, 2, 3, 4)),
    ],
)
def test_parse(word: str, timing: Timing) -> None:
    assert parse_timing(word) == timing


@pytest.mark.parametrize(
    "word",
    [
        "",
        "slow",
        "FAST",
        "31",
        "threshold",
        "threshold=",
        "threshold=-1",
        "threshold=3.5",
        "threshold=\u0663",
        "threshold=9999999999",
        "threshold=31,",
        "threshold=31,threshold=32",
        "threshold=31 idle=30000",
        "idle_ms=30000",
    ],
)
def test_nonsense(word: str) -> None:
    with pytest.raises(UsageError):
        parse_timing(word)


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (Timing(6), ["threshold is 6"]),
        (Timing(7, 5000, 1000, 2000), []),
        (Timing(31, 4999), ["idle is 4999"]),
        (Timing(31, 30000, 999), ["keepalive is 999"]),
        (Timing(31, 30000, 2000, 1999), ["reconnect is 1999"]),
        (Timing(31, 5000, 5000), ["keepalive (5000 ms) is not below idle (5000 ms)"]),
        (Timing(2, 1, 1, 1), ["threshold", "idle", "keepalive", "reconnect", "not below"]),
    ],
)
def test_problems(timing: Timing, words: list[str]) -> None:
    problems = timing.problems()
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems))


def test_variables() -> None:
    assert from_vars(ShellVars.parse(captured("o2cb-settings", "default")).get) == DEFAULT
    assert from_vars({}) == DEFAULT
    assert from_vars({"O2CB_HEARTBEAT_THRESHOLD": "", "O2CB_IDLE_TIMEOUT_MS": "1"}).idle_ms == 1
    with pytest.raises(UsageError, match="O2CB_HEARTBEAT_THRESHOLD"):
        from_vars({"O2CB_HEARTBEAT_THRESHOLD": "often"})


numbers = st.integers(0, 10**9 - 1)
timings = st.builds(Timing, numbers, numbers, numbers, numbers) | st.sampled_from([FAST, DEFAULT])


@given(timings)
def test_format_and_parse_are_a_pair(timing: Timing) -> None:
    assert parse_timing(format_timing(timing)) == timing
    assert from_vars(timing.to_vars()) == timing


@given(st.text())
def test_any_word_is_read_or_refused(word: str) -> None:
    try:
        parse_timing(word)
    except UsageError:
        return
