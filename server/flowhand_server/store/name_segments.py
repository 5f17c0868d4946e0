"""The index of names: how it grows, and how it is rid of runs that are gone (docs/adr/0039).

A name that is given to a run is put at the tail in the same transaction, which is all that it costs there. When the tail is long enough a
service makes a segment of it, outside of the transaction that stores it. A segment never changes. What it says may be out of date, since
runs are renamed and deleted: it names candidates, and whoever searches asks the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, insert, select

from flowhand_server.store.name_pieces import pieces_of
from flowhand_server.store.name_places import packed
from flowhand_server.store.prepared import Prepared, among
from flowhand_server.store.tables import flow_run, name_page, name_piece, name_segment, name_tail

SEGMENT: Final = 3072
"""Runs of a segment at most: as many as are stored within 5 ms."""
PAGE: Final = 16
"""Runs whose ids are in one row. Rows that are stored are found by it, and by the next."""
_PAGES: Final = 256
"""Numbers of pages that a segment has for itself."""
_ID: Final = 36
"""Letters of an id."""

Named = tuple[str, str]
"""A run's id and its name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes a segment, and what it takes the place of: numbers of the tail, and older segments."""

    runs: Sequence[str]
    pieces: Sequence[tuple[str, bytes]]
    tail: Sequence[int] = ()
    segments: Sequence[int] = ()


# --- the tail --------------------------------------------------------------------------------------------------------------------------

_tail = name_tail.c
_NOTE: Final = Prepared(insert(name_tail), "flow_run_id", "name")
_OLDEST: Final = Prepared(select(name_tail).order_by(_tail.number).limit(SEGMENT))
_AT: Final = Prepared(select(_tail.number).order_by(_tail.number).offset(bindparam("place", type_=BigInteger())).limit(1))


def note_names(conn: Connection, given: Iterable[tuple[str, str]]) -> None:
    """Puts names that runs were given at the tail: pairs of a run's id and its name. In the transaction that gives them."""
    _NOTE.run_each(conn, [{"flow_run_id": run_id, "name": name} for run_id, name in given])


def tail_batch(conn: Connection, least: int = SEGMENT) -> Batch | None:
    """A batch of the oldest names of the tail; None as long as there are less than `least`."""
    if _AT.first(conn, place=least - 1) is None:
        return None
    rows = _OLDEST.all(conn)
    return _batch([(row.flow_run_id, row.name) for row in rows], tail=[row.number for row in rows])


def _batch(named: Sequence[Named], **replaces: Sequence[int]) -> Batch:
    places: dict[str, list[int]] = {}
    for place, (_, name) in enumerate(named):
        for piece in pieces_of(name):
            places.setdefault(piece, []).append(place)
    pieces = [(piece, packed(found)) for piece, found in sorted(places.items())]
    return Batch([run for run, _ in named], pieces, **replaces)


# --- segments --------------------------------------------------------------------------------------------------------------------------

_segment, _page, _piece = name_segment.c, name_page.c, name_piece.c
_ADD_SEGMENT: Final = Prepared(insert(name_segment).returning(_segment.number), "size")
_ADD_PAGE: Final = Prepared(insert(name_page), "number", "runs")
_ADD_PIECE: Final = Prepared(insert(name_piece), "segment", "piece", "places")


def page_of(segment: int, place: int) -> tuple[int, int]:
    """Where the id of the run at a place stands: the number of the page, and which of its runs it is."""
    return segment * _PAGES + place // PAGE, place % PAGE


def _pages(segment: int) -> tuple[int, int]:
    """The first and the last number of its pages."""
    return segment * _PAGES, segment * _PAGES + _PAGES - 1


def run_of(page: str, place: int) -> str:
    """The id at a place of a page."""
    return page[place * _ID : (place + 1) * _ID]


def store_batch(conn: Connection, batch: Batch) -> bool:
    """Puts the segment in the place of what it was made of; False, and nothing is changed, where that is no longer there.

    For one replica at a time: the caller holds the lead.
    """
    if not (_are_there(conn, _COUNT_TAIL, batch.tail) and _are_there(conn, _COUNT_SEGMENTS, batch.segments)):
        return False
    _FORGET_TAIL.run(conn, numbers=batch.tail)
    for segment in batch.segments:
        _drop(conn, segment)
    if batch.runs:
        _add(conn, batch)
    return True


def _add(conn: Connection, batch: Batch) -> None:
    segment = _ADD_SEGMENT.scalar(conn, size=len(batch.runs))
    firsts = range(0, len(batch.runs), PAGE)
    _ADD_PAGE.run_each(
        conn, [{"number": page_of(segment, first)[0], "runs": "".join(batch.runs[first : first + PAGE])} for first in firsts]
    )
    _ADD_PIECE.run_each(conn, [{"segment": segment, "piece": piece, "places": places} for piece, places in batch.pieces])


_COUNT_TAIL: Final = Prepared(select(func.count()).where(among(_tail.number, "numbers")), by_values=True)
_COUNT_SEGMENTS: Final = Prepared(select(func.count()).where(among(_segment.number, "numbers")), by_values=True)
_FORGET_TAIL: Final = Prepared(delete(name_tail).where(among(_tail.number, "numbers")), by_values=True)
_DROPS: Final = (
    Prepared(delete(name_segment).where(_segment.number == bindparam("segment"))),
    Prepared(delete(name_page).where(_page.number.between(bindparam("first"), bindparam("last")))),
    Prepared(delete(name_piece).where(_piece.segment == bindparam("segment"))),
)


def _are_there(conn: Connection, count: Prepared, numbers: Sequence[int]) -> bool:
    return not numbers or count.scalar(conn, numbers=numbers) == len(numbers)


def _drop(conn: Connection, segment: int) -> None:
    first, last = _pages(segment)
    for drop in _DROPS:
        drop.run(conn, segment=segment, first=first, last=last)


# --- what is gone ----------------------------------------------------------------------------------------------------------------------

_AFTER: Final = Prepared(select(name_segment).where(_segment.number > bindparam("after")).order_by(_segment.number).limit(1))
_PAGES_OF: Final = Prepared(select(_page.runs).where(_page.number.between(bindparam("first"), bindparam("last"))).order_by(_page.number))
_NAMED: Final = Prepared(select(flow_run.c.id, flow_run.c.name).where(among(flow_run.c.id, "ids")), by_values=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """A segment that was looked through."""

    number: int
    size: int
    left: Sequence[Named]
    """Its runs that there still are, by the names that they have now."""

    @property
    def sparse(self) -> bool:
        """Whether it is worth making anew: most of its runs are gone."""
        return len(self.left) * 2 < self.size


def look_through(conn: Connection, after: int) -> Seen | None:
    """The next segment after this number; None when there is none."""
    found = _AFTER.first(conn, after=after)
    if found is None:
        return None
    first, last = _pages(found.number)
    pages = [row.runs for row in _PAGES_OF.all(conn, first=first, last=last)]
    ids = [run_of(page, place) for page in pages for place in range(len(page) // _ID)]
    return Seen(found.number, found.size, [(row.id, row.name) for row in _NAMED.all(conn, ids=ids)])


def merged(*seen: Seen) -> Batch:
    """What is left in segments, as one. They must be sparse."""
    named = [one for segment in seen for one in segment.left]
    return _batch(named, segments=[segment.number for segment in seen])
