"""Searches of runs: those that fit a query's filters, in order, the part that was asked for; at a cost that does not grow with the table.

Databases do not know enough to choose the way. SQLite knows neither how many rows fit nor what LIMIT means for its choice of an index;
PostgreSQL guesses, and guesses badly where conditions hang together. So a search goes, as far as it must:

- it peeks at the first rows of the order, by the order's own index: often they show the page;
- it takes a sample of rows that fit, found by whatever index finds them: if these are all, they are sorted;
- it walks along the order until enough rows fit: there are many. PostgreSQL, where it can estimate the conditions, is not asked for a
  sample but chooses for itself here.

The statements for each shape of a query are made once (see `shapes`). They answer with whole rows, so that as a rule one is enough. On
PostgreSQL the peek keeps its plan, as one is good for all values there; the others are planned with the values of each search.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, and_, bindparam, func, literal_column, select

from flowhand.wire.body import DEFAULT_LIMIT
from flowhand.wire.filters import Entities, Window
from flowhand_server.store.prepared import Prepared
from flowhand_server.store.prepared_values import LONG
from flowhand_server.store.reading import Opaque
from flowhand_server.store.search_orders import Order
from flowhand_server.store.shapes import Shape, take_apart

PROBE: Final = 1000
"""Rows that are sorted rather than walked to in order."""
PEEK: Final = 500
"""Rows that are looked at in order before anything else is tried, unless to look at them costs more than the search."""
SHAPES: Final = 256
"""Shapes of queries whose statements are kept."""
SHORT: Final = 32
"""Values of a query of which there are many alike."""
LONG_SHAPES: Final = 16
"""Shapes of queries with more values whose statements are kept here; PostgreSQL keeps none of them."""
LIMITS: Final = (1, 5, 10, 20, 50, 100, 200)
"""What a limit is rounded up to, so that few statements are made. What was not asked for is cut off."""


@dataclass(frozen=True, slots=True, eq=False)
class Approach:
    """How rows of one shape are searched for. `probe` finds ids of rows that fit, by a way of its own or by none in particular."""

    order: Order
    conditions: Sequence[ColumnElement[bool]]
    probe: Select[Any] | None = None
    reads: bool = False
    """Whether the probe reads the rows themselves."""
    peek: int = 0
    """How many rows of the order are looked at first: some where an index walks along it and its first rows may show the page."""
    samples: bool = False
    """Whether PostgreSQL cannot estimate the conditions."""
    one_plan: bool = False
    """Whether one plan is good for all values."""
    few: bool = False
    """Whether the probe is known to find less than PROBE rows."""


class Search:
    """Finds rows of one table. `rows` reads them by `key`, their id; `approach` takes a query of parameters, the name of an order and the
    hint that `hint` gives for a query and its database, with values for parameters that the approach adds because of it.
    """

    def __init__(
        self,
        rows: Select[Any],
        key: ColumnElement[str],
        approach: Callable[[Entities, str, Any], Approach],
        hint: Callable[[Connection, Entities], tuple[Hashable, dict[str, list[str]]]] = lambda _conn, _query: (None, {}),
    ) -> None:
        self._rows = rows
        self._key = key
        self._approach = approach
        self._hint = hint
        self._short = functools.lru_cache(SHAPES)(functools.partial(self._made, _with_plan))
        self._long = functools.lru_cache(LONG_SHAPES)(functools.partial(self._made, _by_values))

    def ids(self, conn: Connection, query: Entities, order: str, window: Window) -> list[str]:
        """The ids of the rows that fit."""
        return [row[0] for row in self._find(conn, query, order, window, whole=False)]

    def rows(self, conn: Connection, query: Entities, order: str, window: Window) -> list[Any]:
        """The rows that fit."""
        return self._find(conn, query, order, window, whole=True)

    def _find(self, conn: Connection, query: Entities, order: str, window: Window, *, whole: bool) -> list[Any]:
        limit = DEFAULT_LIMIT if window.limit is None else window.limit
        return self._at_least(limit, conn, query, order, window.offset, whole=whole)[:limit]

    def _at_least(self, limit: int, conn: Connection, query: Entities, order: str, offset: int, *, whole: bool) -> list[Any]:
        shape, values = take_apart(query)
        hint, known = self._hint(conn, query)
        if known and len(values) > LONG:  # which no statement has beside values that are written into it
            hint, known = None, {}
        asked = shape, order, hint, _rounded(limit), offset > 0
        if len(values) <= SHORT:
            ways = self._short(*asked)
        elif len(values) <= LONG:
            ways = self._long(*asked)
        else:
            ways, values = self._made(_once, *asked), {}
        values |= {"offset": offset, **known}
        if ways.peek is not None and offset + limit <= ways.peeked // 2:
            found = ways.peek.ask(conn, values, whole=whole)
            if len(found) >= limit:
                return found
        if ways.sample is not None and offset < PROBE and (ways.samples or conn.dialect.name == "sqlite"):
            found = ways.sample.ask(conn, values, whole=whole)
            if not found or found[0].of < PROBE:
                return found
        return ways.walk.ask(conn, values, whole=whole)

    def _made(self, kind: _Kind, shape: Shape, order: str, hint: Any, limit: int, offset: bool) -> _Ways:
        approach = self._approach(shape.of if kind is _once else shape.with_parameters(), order, hint)
        statement = functools.partial(_Statement, self._rows, self._key, approach.order, limit, offset, kind)
        return _Ways(statement, self._key, approach)


def _rounded(limit: int) -> int:
    return next((step for step in LIMITS if limit <= step), limit)


class _Once:
    """A statement with thousands of values in it, which is not worth keeping."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement

    def all(self, conn: Connection, **values: Any) -> list[Any]:
        return list(conn.execute(self._statement, values))


_Kind = Callable[[Select[Any], bool], "Prepared | _Once"]
"""What makes a statement ready to be asked, told whether one plan is good for all values."""


def _with_plan(statement: Select[Any], one_plan: bool) -> Prepared:
    return Prepared(statement, by_values=not one_plan)


def _by_values(statement: Select[Any], _one_plan: bool) -> Prepared:
    return Prepared(statement, by_values=True)


def _once(statement: Select[Any], _one_plan: bool) -> _Once:
    return _Once(statement)


class _Ways:
    """The statements of one shape."""

    def __init__(self, made: Callable[..., _Statement], key: ColumnElement[str], approach: Approach) -> None:
        probe, fits = approach.probe, and_(*approach.conditions) if approach.conditions else None
        self.samples = approach.samples
        self.peeked = approach.peek
        self.peek = made(True, _peek(key, approach, fits)) if approach.peek and fits is not None else None
        self.sample: _Statement | None = None
        if approach.few and probe is not None:
            self.walk = made(False, _sorted(key, approach.order, probe, reads=approach.reads))
            return
        self.walk = made(approach.one_plan or fits is None, _walk(key, approach.order, fits))
        if fits is not None:
            asked = select(key).where(fits) if probe is None else probe
            some = (
                (asked if approach.order.within is None else asked.where(approach.order.within))
                .limit(literal_column(str(PROBE)))
                .cte("some")
            )
            count = select(func.count()).select_from(some).scalar_subquery().label("of")
            self.sample = made(approach.one_plan, _sorted(key, approach.order, select(some.c[0])), count)


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
        kind: _Kind,
        one_plan: bool,
        chosen: Select[Any],
        *beside: ColumnElement[Any],
    ) -> None:
        part = chosen.limit(literal_column(str(limit)))
        if offset:
            part = part.offset(bindparam("offset", type_=BigInteger()))
        self._ids = kind(part.add_columns(*beside), one_plan)
        self._rows = kind(rows.add_columns(*beside).where(key.in_(part)).order_by(*order.by(order.columns)), one_plan)

    def ask(self, conn: Connection, values: dict[str, Any], *, whole: bool) -> list[Any]:
        return (self._rows if whole else self._ids).all(conn, **values)


def _walk(key: ColumnElement[str], order: Order, fits: ColumnElement[bool] | None) -> Select[Any]:
    """All that fit, in order, with no index but the order's own to be thought of."""
    beginning = None if order.beginning is None else order.beginning.is_met()
    conditions = (beginning, order.within, None if fits is None else Opaque(fits))
    return select(key).where(*_stated(conditions)).order_by(*order.by(order.columns))


def _stated(conditions: Iterable[ColumnElement[bool] | None]) -> list[ColumnElement[bool]]:
    return [condition for condition in conditions if condition is not None]


def _peek(key: ColumnElement[str], approach: Approach, fits: ColumnElement[bool]) -> Select[Any]:
    """Those of the first rows that fit. Rows of a subselect that is limited come in its order, one by one, until there are enough."""
    order, begins = approach.order, approach.order.beginning
    entered = (None, order.columns) if begins is None else (begins.is_met_in_order(key), (begins.column, *order.columns))
    seen = select(key, fits.label("fits")).where(*_stated((entered[0], order.within))).order_by(*order.by(entered[1]))
    first = seen.limit(literal_column(str(approach.peek))).subquery("first")
    return select(first.c[0]).where(first.c.fits)


def _sorted(key: ColumnElement[str], order: Order, ids: Select[Any], *, reads: bool = False) -> Select[Any]:
    """All of these, in order. They are read before they are sorted: otherwise an index of the order might be walked along to meet them.

    `reads`: what finds the ids reads the rows, so that they need not be looked up again.
    """
    places = [column.label(f"place_{number}") for number, column in enumerate(order.columns)]
    found = ids.add_columns(*places) if reads else select(key, *places).where(key.in_(ids))
    read = found.cte("read").prefix_with("MATERIALIZED")
    return select(read.c[0]).order_by(*order.by([read.c[place.name] for place in places]))
