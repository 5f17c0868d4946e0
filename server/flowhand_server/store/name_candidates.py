"""Runs whose names may be like a text, found by the index of names without a look at the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, String, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from flowhand_server.store.name_pieces import pieces_asked
from flowhand_server.store.name_places import common
from flowhand_server.store.name_segments import SEGMENT, page_of, run_of
from flowhand_server.store.prepared import Prepared, among
from flowhand_server.store.tables import name_page, name_piece, name_segment, name_tail
from flowhand_server.store.text_sql import contains

MOST: Final = 4_000
"""Candidates that are asked and sorted; where there are more, they are so frequent that a walk along the order meets them soon."""
LONGEST_TAIL: Final = 4 * SEGMENT
"""Numbers of a tail that is looked through. It is longer only as long as the index is being made."""


class OneOfSelected(FunctionElement[bool]):
    """Whether a value is one of those that a SELECT finds, all of which are found first: so that an index is entered with each of them.

    A join might begin with the other table and read it as a whole. It has no type, as `Among` has none.
    """

    inherit_cache = True
    name = "one_of_selected"


@compiles(OneOfSelected, "sqlite")
def _sqlite(element: OneOfSelected, compiler: SQLCompiler, **options: Any) -> str:
    value, found = (compiler.process(part, **options) for part in element.clauses)
    return f"{value} IN {found}"


@compiles(OneOfSelected, "postgresql")
def _postgresql(element: OneOfSelected, compiler: SQLCompiler, **options: Any) -> str:
    value, found = (compiler.process(part, **options) for part in element.clauses)
    return f"{value} = ANY(ARRAY{found})"


_tail, _piece, _page = name_tail.c, name_piece.c, name_page.c
_beginning = select(func.min(_tail.number)).correlate(None).scalar_subquery()
_length = select(func.max(_tail.number) - _beginning).correlate(None).scalar_subquery()
_LENGTH: Final = Prepared(select(func.coalesce(_length, 0)))
_IN_TAIL: Final = Prepared(
    select(_tail.flow_run_id)
    # by its index: PostgreSQL keeps the room of what was there before, and would read it
    .where(_tail.number >= _beginning, _length < LONGEST_TAIL, contains(_tail.name, bindparam("text", type_=String())))
    .limit(bindparam("most", type_=BigInteger()))
)
_IN_SEGMENTS: Final = Prepared(
    select(_piece.segment, _piece.places).where(
        OneOfSelected(_piece.segment, select(name_segment.c.number).scalar_subquery()), among(_piece.piece, "pieces")
    ),
    by_values=True,
)
_PAGES: Final = Prepared(select(name_page).where(among(_page.number, "numbers")), by_values=True)


def candidates(conn: Connection, text: str) -> list[str] | None:
    """The ids of all runs whose names may be like `%text%`, of runs that are gone too; None if they are too many, or cannot be known.

    The tail is read before the segments: to a transaction of PostgreSQL that writes, where each statement sees what is stored by then, runs
    may go from there to here meanwhile, and are found twice, but never the other way.
    """
    pieces = pieces_asked(text)
    if not pieces:
        return None
    length, tail, found = _LENGTH.ask(conn), _IN_TAIL.ask(conn, text=text, most=MOST + 1), _IN_SEGMENTS.ask(conn, pieces=pieces)
    if length.scalar() >= LONGEST_TAIL:
        return None
    runs = [row[0] for row in tail.all()]
    places = list(islice(_meeting(found.all(), len(pieces)), MOST + 1))
    if len(runs) + len(places) > MOST:
        return None
    found_in_segments = _runs_at(conn, places)
    return None if found_in_segments is None else list(dict.fromkeys(runs + found_in_segments))


def _meeting(rows: Iterable[Any], pieces: int) -> Iterator[tuple[int, int]]:
    """Segments and places that have every piece."""
    sets: dict[int, list[bytes]] = {}
    for segment, places in rows:
        sets.setdefault(segment, []).append(places)
    for segment, found in sets.items():
        if len(found) == pieces:
            for place in common(found):
                yield segment, place


def _runs_at(conn: Connection, places: list[tuple[int, int]]) -> list[str] | None:
    """The ids there; None where a segment has been dropped since it was asked, as may happen there, too."""
    if not places:
        return []
    at = [page_of(segment, place) for segment, place in places]
    pages = {row.number: row.runs for row in _PAGES.all(conn, numbers=list({number for number, _ in at}))}
    if any(number not in pages for number, _ in at):
        return None
    return [run_of(pages[number], place) for number, place in at]
