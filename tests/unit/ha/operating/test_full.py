"""A full pool file system is said by status, why and what-if, whatever the reports still say."""

from __future__ import annotations

import pytest

from ovstools.ha.operating import conditions, notices
from ovstools.ha.operating.pool_view import PoolView
from ovstools.ha.operating.servers import Servers
from ovstools.ha.orders import Orders
from ovstools.ha.view import Condition
from tests.unit.ha.pools import nodes

VIEW = PoolView(orders=Orders(epoch=1, master="a"))


@pytest.mark.parametrize("is_full", [True, False])
def test_it_is_trouble_and_nobody_is_the_master(is_full: bool) -> None:
    servers = Servers(VIEW, nodes(), frozenset("abc"), is_full)
    found = [each for each in notices.of_pool(servers, None) if "full" in each.text]
    assert [each.is_trouble for each in found] == [True] * is_full
    assert (servers.master is None) is is_full
    if is_full:
        assert "make room there" in found[0].way_out


def test_it_is_why_a_server_is_silent() -> None:
    seen = nodes(conditions={"b": Condition.SILENT})
    reason = conditions.why(Servers(VIEW, seen, frozenset("abc"), True), seen["b"])
    assert "full" in reason.text and "make room there" in reason.way_out
