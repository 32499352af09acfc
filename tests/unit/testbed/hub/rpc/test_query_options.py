"""queryOpts over rows that are read already."""

from typing import Any

import koji
import pytest

from koji_adjutant.testbed.hub.rpc.query_options import apply_options

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "b"},
    {"id": 2, "name": None},
    {"id": 3, "name": "a"},
    {"id": 4, "name": "a"},
]


def ids(options: Any) -> list[int]:
    return [row["id"] for row in apply_options(list(ROWS), options)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, [1, 2, 3, 4]),
        ({"order": "-id"}, [4, 3, 2, 1]),
        ({"order": "name"}, [3, 4, 1, 2]),
        ({"order": "name,-id"}, [4, 3, 1, 2]),
        ({"order": "-name,id"}, [2, 1, 3, 4]),
        ({"offset": 1, "limit": 2}, [2, 3]),
        ({"limit": 0}, []),
        ({"order": "-id", "offset": 3}, [1]),
    ],
)
def test_order_offset_and_limit(options: Any, expected: list[int]) -> None:
    """As the real hub's database does it: no value comes after every value, and first the other way round."""
    assert ids(options) == expected


def test_a_count_is_of_what_the_limit_leaves() -> None:
    assert apply_options(list(ROWS), {"countOnly": True}) == 4
    assert apply_options(list(ROWS), {"countOnly": True, "limit": 2}) == 2


def test_a_field_that_no_row_has() -> None:
    with pytest.raises(koji.ParameterError, match="cannot order by 'size'"):
        apply_options(list(ROWS), {"order": "size"})
    assert apply_options([], {"order": "size"}) == []
