"""Searches of runs: those that fit a query's filters, in order, the part that was asked for; at a cost that does not grow with the table.

Databases do not know enough to choose the way. SQLite knows neither how many rows fit nor what LIMIT means for its choice of an index;
PostgreSQL guesses, and guesses badly where conditions hang together. So a search goes, as far as it must:

- it peeks at the first rows of the order, by the order's own index: often they show the page;
- it takes a sample of rows that fit, found by whatever index finds them: if these are all, they are sorted;
- it walks along the order until enough rows fit: there are many. PostgreSQL, where it can estimate the conditions, is not asked for a
  sample but chooses for itself here.

The statements for each shape of a query are made once (see `shapes`). They answer with whole rows, so that as a rule one is enough.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, bindparam, func, literal_column, select

from flowhand.wire.body import DEFAULT_LIMIT
from flowhand.wire.filters import Entities, Window
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.prepared_values import LONG
from flowhand_server.store.reading import Opaque
from flowhand_server.store.shapes import Shape, take_apart

PROBE: Final = 1000
"""Rows that are sorted rather than walked to in order."""
PEEK: Final = 500
"""Rows that are looked at in order before anything else is tried, unless to look at them costs more than the search."""
SHAPES: Final = 256
"""Shapes of queries whose statements are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One after the other by these columns, the last of which is the id: so pages do not overlap."""

    columns: tuple[ColumnElement[Any], ...]
    descending: bool = False
    within: ColumnElement[bool] | None = None
    """What the rows are confined to by the index that walks along it."""

    def by(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """What ORDER BY names, where these stand for the columns."""
        return [column.desc() for column in columns] if self.descending else list(columns)


@dataclass(frozen=True, slots=True, eq=False)
class Approach:
    """How rows of one shape are searched for. `probe` finds ids of rows that fit, by a way of its own or by none in particular."""

    order: Order
    conditions: Sequence[ColumnElement[bool]]
    probe: Select[Any] | None = None
    peek: int = 0
    """How many rows of the order are looked at first: some where an index walks along it and its first rows may show the page."""
    samples: bool = False
    """Whether PostgreSQL cannot estimate the conditions."""
    few: bool = False
    """Whether the probe is known to find less than PROBE rows."""


class Search:
    """Finds rows of one table. `rows` reads them by `key`, their id; `approach` takes a query of parameters, the name of an order and the
    hint that `hint` gives for a query and its database.
    """

    def __init__(
        self,
        rows: Select[Any],
        key: ColumnElement[str],
        approach: Callable[[Entities, str, Any], Approach],
        hint: Callable[[Connection, Entities], Hashable] = lambda _conn, _query: None,
    ) -> None:
        self._rows = rows
        self._key = key
        self._approach = approach
        self._hint = hint
        self._ways = functools.lru_cache(SHAPES)(self._made)

    def ids(self, conn: Connection, query: Entities, order: str, window: Window) -> list[str]:
        """The ids of the rows that fit."""
        return [row[0] for row in self._find(conn, query, order, window, whole=False)]

    def rows(self, conn: Connection, query: Entities, order: str, window: Window) -> list[Any]:
        """The rows that fit."""
        return self._find(conn, query, order, window, whole=True)

    def _find(self, conn: Connection, query: Entities, order: str, window: Window, *, whole: bool) -> list[Any]:
        shape, values = take_apart(query)
        limit = DEFAULT_LIMIT if window.limit is None else window.limit
        hint, offset = self._hint(conn, query), window.offset > 0
        if len(values) <= LONG:
            ways = self._ways(shape, order, hint, limit, offset)
        else:
            ways, values = self._made(shape, order, hint, limit, offset, keeps=False), {}
        values["offset"] = window.offset
        if ways.peek is not None and window.offset + limit <= ways.peeked // 2:
            found = ways.peek.ask(conn, values, whole=whole)
            if len(found) == limit:
                return found
        if ways.sample is not None and window.offset < PROBE and (ways.samples or conn.dialect.name == "sqlite"):
            found = ways.sample.ask(conn, values, whole=whole)
            if not found or found[0].of < PROBE:
                return found
        return ways.walk.ask(conn, values, whole=whole)

    def _made(self, shape: Shape, order: str, hint: Any, limit: int, offset: bool, *, keeps: bool = True) -> _Ways:
        approach = self._approach(shape.with_parameters() if keeps else shape.of, order, hint)
        statement = functools.partial(_Statement, self._rows, self._key, approach.order, limit, offset, Prepared if keeps else _Once)
        return _Ways(statement, self._key, approach)


class _Once:
    """A statement with thousands of values in it, which is not worth keeping."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement

    def all(self, conn: Connection, **values: Any) -> list[Any]:
        return list(conn.execute(self._statement, values))


class _Ways:
    """The statements of one shape."""

    def __init__(self, made: Callable[..., _Statement], key: ColumnElement[str], approach: Approach) -> None:
        probe, fits = approach.probe, and_(*approach.conditions) if approach.conditions else None
        self.samples = approach.samples
        self.peeked = approach.peek
        self.peek = made(_peek(key, approach, fits)) if approach.peek and fits is not None else None
        self.sample: _Statement | None = None
        if approach.few and probe is not None:
            self.walk = made(_sorted(key, approach.order, probe))
            return
        self.walk = made(_walk(key, approach.order, fits))
        if fits is not None:
            asked = select(key).where(fits) if probe is None else probe
            some = (
                (asked if approach.order.within is None else asked.where(approach.order.within))
                .limit(literal_column(str(PROBE)))
                .cte("some")
            )
            count = select(func.count()).select_from(some).scalar_subquery().label("of")
            self.sample = made(_sorted(key, approach.order, select(some.c[0])), count)


class _Statement:
    """Answers with a part of the ids that were chosen, or with the rows they are of. `beside` is told with each.

    The limit is written out: PostgreSQL, if it did not know it, would plan anew at each execution, which takes longer than the answer.
    """

    def __init__(
        self,
        rows: Select[Any],
        key: ColumnElement[str],
        order: Order,
        limit: int,
        offset: bool,
        kind: type[Prepared | _Once],
        chosen: Select[Any],
        *beside: ColumnElement[Any],
    ) -> None:
        part = chosen.limit(literal_column(str(limit)))
        if offset:
            part = part.offset(bindparam("offset", type_=Integer()))
        self._ids = kind(part.add_columns(*beside))
        self._rows = kind(rows.add_columns(*beside).where(key.in_(part)).order_by(*order.by(order.columns)))

    def ask(self, conn: Connection, values: dict[str, Any], *, whole: bool) -> list[Any]:
        return (self._rows if whole else self._ids).all(conn, **values)


def _walk(key: ColumnElement[str], order: Order, fits: ColumnElement[bool] | None) -> Select[Any]:
    """All that fit, in order, with no index but the order's own to be thought of."""
    conditions = [condition for condition in (order.within, None if fits is None else Opaque(fits)) if condition is not None]
    return select(key).where(*conditions).order_by(*order.by(order.columns))


def _peek(key: ColumnElement[str], approach: Approach, fits: ColumnElement[bool]) -> Select[Any]:
    """Those of the first rows that fit. Rows of a subselect that is limited come in its order, one by one, until there are enough."""
    seen = _walk(key, approach.order, None).add_columns(fits.label("fits")).limit(literal_column(str(approach.peek)))
    first = seen.subquery("first")
    return select(first.c[0]).where(first.c.fits)


def _sorted(key: ColumnElement[str], order: Order, ids: Select[Any]) -> Select[Any]:
    """All of these, in order. They are read before they are sorted: otherwise an index of the order might be walked along to meet them."""
    places = [column.label(f"place_{number}") for number, column in enumerate(order.columns)]
    read = select(key, *places).where(key.in_(ids)).cte("read").prefix_with("MATERIALIZED")
    return select(read.c[0]).order_by(*order.by([read.c[place.name] for place in places]))
