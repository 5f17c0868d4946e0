"""From what a person typed to the thing that is meant, with the nearest names when there is no such thing."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from flowhand.client import blocks, deployments, flow_runs, flows, variables, work_pools, work_queues
from flowhand.client.api import SyncApiClient
from flowhand.client.call import Errand, Json
from flowhand.errors import ApiRefused, ObjectNotFound
from flowhand.ids import is_id


def deployment(client: SyncApiClient, given: str) -> Json:
    """A deployment by id, by `flow/deployment`, or by its name alone when only one has it. Adds `flow_name`."""
    if is_id(given):
        found = client.send(deployments.read(given))
        return {**found, "flow_name": client.run(flows.names_of([found["flow_id"]])).get(found["flow_id"], "")}
    if "/" in given:
        try:
            return {**client.send(deployments.find(given)), "flow_name": given.partition("/")[0]}
        except ValueError as error:
            raise ObjectNotFound(str(error)) from None
        except ObjectNotFound:
            pass  # said below, with the names that are near
    return _by_own_name(given, client.run(with_flow_names(deployments.listed())))


def _by_own_name(given: str, known: list[Json]) -> Json:
    fitting = [one for one in known if given in (one["name"], full_name(one))]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = ", ".join(repr(full_name(one)) for one in fitting)
        raise ObjectNotFound(f"{given!r} is the name of several deployments: {several}; write one of these")
    names = [full_name(one) for one in known]
    raise ObjectNotFound(f"deployment {given!r} not found{hint(_meant(given, known), names, 'flowhand deployment ls')}")


def _meant(given: str, known: list[Json]) -> str | None:
    by_full = {full_name(one): one for one in known}
    by_own = {one["name"]: full_name(one) for one in known}
    own = near(given, list(by_own))
    return near(given, list(by_full)) or (by_own[own] if own else None)


def with_flow_names(listing: Errand[list[Json]]) -> Errand[list[Json]]:
    """Rows with a `flow_id`, each given its `flow_name`."""
    rows = yield from listing
    names = yield from flows.names_of([row["flow_id"] for row in rows])
    return [{**row, "flow_name": names.get(row["flow_id"], "")} for row in rows]


def full_name(one: Json) -> str:
    """`flow/deployment`."""
    return f"{one['flow_name']}/{one['name']}"


def work_pool(client: SyncApiClient, name: str) -> Json:
    """A work pool by its name."""
    try:
        return client.send(work_pools.read(name))
    except ObjectNotFound:
        names = [pool["name"] for pool in client.run(work_pools.listed())]
        words = hint(near(name, names), names, "flowhand work-pool ls")
        create = "" if names else "; there is none yet, `flowhand work-pool create NAME` makes one"
        raise ObjectNotFound(f"work pool {name!r} not found{create or words}") from None


def work_queue(client: SyncApiClient, pool: str, name: str) -> Json:
    """A queue of a pool."""
    work_pool(client, pool)
    try:
        return client.send(work_queues.read(pool, name))
    except ObjectNotFound:
        names = [queue["name"] for queue in client.run(work_queues.listed(pool))]
        words = hint(near(name, names), names, f"flowhand work-queue ls --pool {pool}")
        raise ObjectNotFound(f"work queue {name!r} not found in work pool {pool!r}{words}") from None


def flow_run(client: SyncApiClient, given: str) -> Json:
    """A run by its id, or by its name when only one has it."""
    if is_id(given):
        return client.send(flow_runs.read(given))
    fitting = client.run(flow_runs.listed(name=given, limit=3))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        ids = ", ".join(run["id"] for run in fitting)
        raise ApiRefused(f"several runs are named {given!r}: {ids}; give the id", 409)
    names = [run["name"] for run in client.run(flow_runs.listed(limit=200))]
    raise ObjectNotFound(f"flow run {given!r} not found{hint(near(given, names), [], 'flowhand flow-run ls')}")


def block_type(client: SyncApiClient, slug: str) -> Json:
    """A block type by its slug."""
    try:
        return client.send(blocks.read_type(slug))
    except ObjectNotFound:
        slugs = [one["slug"] for one in client.run(blocks.types())]
        raise ObjectNotFound(f"block type {slug!r} not found{hint(near(slug, slugs), slugs, 'flowhand block type ls')}") from None


def block(client: SyncApiClient, given: str) -> Json:
    """A block by its id or by `type/name`, its secrets hidden."""
    if is_id(given):
        return client.send(blocks.read_by_id(given))
    slug, slash, name = given.partition("/")
    if slash and slug and name:
        try:
            return client.send(blocks.read(slug, name))
        except ObjectNotFound:
            pass  # said below, with the names that are near
    known = [block_name(one) for one in client.run(blocks.listed())]
    meant = near(given, known) or next((one for one in known if one.partition("/")[2] == given), None)
    raise ObjectNotFound(f"block {given!r} not found{hint(meant, known, 'flowhand block ls')}")


def block_name(one: Json) -> str:
    """`type/name`."""
    return f"{one['block_type']['slug']}/{one['name']}"


def variable(client: SyncApiClient, name: str) -> Json:
    """A variable by its name."""
    try:
        return client.send(variables.read(name))
    except ObjectNotFound:
        known = [one["name"] for one in client.run(variables.listed())]
        raise ObjectNotFound(f"variable {name!r} not found{hint(near(name, known), known, 'flowhand variable ls')}") from None


def near(given: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant."""
    found = difflib.get_close_matches(given.lower(), [name.lower() for name in names], 1, 0.6)
    return next((name for name in names if name.lower() == found[0]), None) if found else None


def hint(meant: str | None, names: Sequence[str], listing: str) -> str:
    """What to say after "not found": the name that was meant, else the names there are, else the command that lists them."""
    if meant:
        return f", did you mean {meant!r}?"
    return f"; there are {', '.join(map(repr, names))}" if 0 < len(names) <= 5 else f"; `{listing}` lists what there is"
