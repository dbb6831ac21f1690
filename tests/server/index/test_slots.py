"""Numbers of descriptors: when a table has more of the past than of the present."""

from __future__ import annotations

import pytest

from steeple.server.index.slots import SlotTable


@pytest.mark.parametrize("count", [0, 1, 7, 8, 100])
def test_a_table_is_worn_once_most_of_it_is_gone_and_not_again_once_it_is_made_anew(count: int) -> None:
    """Also where images have so few descriptors that rounding takes more numbers than they do."""
    table = SlotTable()
    for key in range(100):
        table.put(key, count)
    assert not table.worn(4, 50), "nothing is gone"
    for key in range(100):
        table.put(key % 25, count)
    assert not table.worn(4, 200), "too small to matter"
    for key in range(25, 100):
        table.remove(key)
    assert table.worn(4, 150), "200 rows, 25 images"
    again = SlotTable.from_bytes(table.to_bytes(), held=table.descriptors + table.dead)
    assert again.worn(4, 150)
    anew, keys = SlotTable(), again.keys()
    for key in keys:
        anew.put(key, count)
    assert not anew.worn(1, 0)
    assert not anew.worn(4, 0)


def test_replacing_one_image_forever_is_noticed() -> None:
    table = SlotTable()
    for _ in range(21):  # of 8 numbers each
        assert not table.worn(4, 160)
        table.put(1, 4)
    assert table.worn(4, 160)
