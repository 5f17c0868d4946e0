"""The daemon as a program: from options to a running composition, and the exit code.

0: left as asked. 1: something that waiting would not mend happened later. 2: bad configuration, said before anything was claimed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NoReturn

import anyio
import structlog

from flowhand.backends.backend import Backend
from flowhand.backends.native import NativeBackend
from flowhand.client.address import Address
from flowhand.client.api import ApiClient
from flowhand.client.call import Errand
from flowhand.client.connect import open_sync
from flowhand.client.embedded import ensure_api
from flowhand.clock import SystemClock
from flowhand.daemon.containers import IN_CONTAINER
from flowhand.daemon.daemon import Daemon, Leave, Parts
from flowhand.daemon.instance import Instance, acquire, write_private
from flowhand.daemon.jobs import Place
from flowhand.daemon.options import Plan, ServeOptions, WorkerOptions
from flowhand.daemon.pool import prepare_pool
from flowhand.daemon.references import Ask
from flowhand.daemon.slots import default_limit, explain
from flowhand.errors import ApiUnavailable, FlowhandError
from flowhand.execution.containers.launcher import DockerLauncher
from flowhand.execution.launcher import Launcher
from flowhand.execution.process import ProcessLauncher
from flowhand.settings import Settings, load
from flowhand.telemetry import configure
from flowhand.wire.pool_types import AGENTS

log = structlog.get_logger("flowhand.daemon")

PATIENCE_S: Final = 60.0
"""For how long a run's start waits for an API that does not answer what its job variables refer to."""
TOLD_EVERY: Final = 20
"""Tries, a few seconds apart."""

Ready = Callable[[], Awaitable[None]]


def run_worker(options: WorkerOptions) -> int:
    """`worker start`: blocks until the worker has left; the exit code. Errors of configuration are raised for the caller to print."""
    settings = load()
    configure(settings.log_level, settings.log_format)
    with open_sync(settings) as client:
        client.be_patient(Waiting().tell)
        pool = prepare_pool(client, options)
    return run(plan_worker(options, settings, pool_type=str(pool["type"])))


class Waiting:
    """Says why a worker waits for its API: at once, and then now and again, not at each try."""

    def __init__(self) -> None:
        self._tries = 0

    def tell(self, error: ApiUnavailable, _delay_s: float) -> None:
        """One more try has failed."""
        self._tries += 1
        if self._tries == 1 or self._tries % TOLD_EVERY == 0:
            log.warning("Waiting for the API, for as long as it takes", why=str(error), tries=self._tries)


def plan_worker(options: WorkerOptions, settings: Settings, *, pool_type: str | None = None) -> Plan:
    """What a worker's options mean with these settings."""
    limit = options.limit or settings.worker_limit
    name = options.name or f"{os.uname().nodename}-{options.work_pool}"
    return Plan(
        settings=settings,
        kind="worker",
        name=name,
        identity=f"worker {settings.api_url} {options.work_pool} {name}",
        work_pool=options.work_pool,
        work_queues=options.work_queues,
        deployments=[],
        limit=limit or default_limit(),
        prefetch_s=settings.worker_prefetch if options.prefetch_s is None else options.prefetch_s,
        run_once=options.run_once,
        tells_health=options.with_healthcheck,
        echo=True,
        cwd=Path.cwd(),
        bounded_by_machine=limit is None,
        poll_s=settings.worker_poll,
        pool_type=pool_type,
    )


def plan_serve(options: ServeOptions, settings: Settings) -> Plan:
    """What `serve` means with these settings."""
    limit = options.limit or settings.worker_limit
    return Plan(
        settings=settings,
        kind="serve",
        name=options.name,
        identity=f"serve {settings.api_url} {sorted(options.deployments)}",
        work_pool=None,
        work_queues=[],
        deployments=options.deployments,
        limit=limit or default_limit(),
        prefetch_s=settings.worker_prefetch,
        run_once=False,
        tells_health=options.webserver,
        echo=True,
        cwd=Path.cwd(),
        bounded_by_machine=limit is None,
        poll_s=settings.worker_poll if options.poll_s is None else options.poll_s,
    )


def run(plan: Plan, on_ready: Ready | None = None) -> int:
    """Runs the plan on the fastest loop there is, until it was asked to leave."""
    anyio.run(partial(run_async, plan, on_ready), backend_options=loop_options())
    return 0


async def run_async(plan: Plan, on_ready: Ready | None = None, environ: Mapping[str, str] = os.environ) -> None:
    """The same on the caller's loop. Takes the signals over; cancelling it leaves without a drain, and the next daemon adopts.

    After SIGHUP it does not return: the program is executed anew in this process, with the instance's lock.
    """
    revive = partial(ensure_api, plan.settings)
    address = await anyio.to_thread.run_sync(revive)
    instance = acquire(plan.settings.home, plan.kind, plan.identity, plan.name, inherited=inherited_lock())
    if instance.number:
        log.info("Other daemons of this name run in this home; this one has its own number, journal and runs", number=instance.number)
    try:
        if await _main(plan, address, revive, instance, on_ready, environ) is Leave.RENEWED:
            execute_anew(instance, environ)
    except* FlowhandError as group:
        raise first_of(group) from None
    finally:
        instance.close()


def first_of(group: BaseExceptionGroup[FlowhandError]) -> FlowhandError:
    """The one error that a person should read, out of the groups that task groups wrap around it."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, FlowhandError), "the group was split by this very type"
    return first


LOCK_VARIABLE: Final = "FLOWHAND__LOCK"


def inherited_lock() -> tuple[int, Path] | None:
    """The lock handed over by `execute_anew`: its descriptor and the instance's folder. Taken out, lest a child believe it is meant."""
    text = os.environ.pop(LOCK_VARIABLE, None)
    if not text:
        return None
    number, _, directory = text.partition(":")
    return int(number), Path(directory)


def execute_anew(instance: Instance, environ: Mapping[str, str]) -> NoReturn:
    """Replaces this process by a fresh start of the same command line; pid and lock stay."""
    os.set_inheritable(instance.lock_fd, True)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**environ, LOCK_VARIABLE: f"{instance.lock_fd}:{instance.directory}"})


def loop_options() -> dict[str, Any]:
    """uvloop where it is installed; the standard loop, silently, where it is not."""
    return {"use_uvloop": find_spec("uvloop") is not None}


async def _main(
    plan: Plan,
    address: Address,
    revive: Callable[[], Address],
    instance: Instance,
    on_ready: Ready | None,
    environ: Mapping[str, str],
) -> Leave:
    backend: Backend = NativeBackend(address, timeout_s=plan.settings.api_timeout, revive=revive)
    try:
        api_file = instance.directory / "api.json"
        write_private(api_file, json.dumps(address.proof()))
        place = Place(
            directory=plan.cwd,
            home=plan.settings.home,
            api_url=address.url,
            api_file=api_file,
            worker=plan.name,
            log_level=plan.settings.log_level,
            storage_base_path=plan.settings.storage_base_path,
            environ=environ,
            in_containers=plan.pool_type == IN_CONTAINER,
        )
        launcher = launcher_of(plan, instance, environ)
        secrets, ask = own_secrets(plan.settings, address), asking(address, revive, plan.settings.api_timeout)
        daemon = Daemon(Parts(plan, instance, backend, launcher, SystemClock(), place, address.url, secrets=secrets, ask=ask))
        ready, leave = anyio.Event(), Leave.DRAINED
        async with anyio.create_task_group() as group:
            group.start_soon(_announce, ready, plan, on_ready)
            leave = await daemon.run(ready)
            group.cancel_scope.cancel()
        return leave
    finally:
        with anyio.CancelScope(shield=True):
            await backend.close()


def launcher_of(plan: Plan, instance: Instance, environ: Mapping[str, str]) -> Launcher:
    """What executes the plan's runs."""
    processes = ProcessLauncher(instance.directory, dict(environ))
    return DockerLauncher(processes, instance.directory) if plan.pool_type in (IN_CONTAINER, AGENTS) else processes


def asking(address: Address, revive: Callable[[], Address], timeout_s: float) -> Ask:
    """Has errands run on `/api`, each over a connection of its own: few runs need one."""

    async def ask(errand: Errand[Any]) -> Any:
        async with ApiClient(address, timeout_s=timeout_s, patience_s=PATIENCE_S, revive=revive) as api:
            return await api.run(errand)

    return ask


def own_secrets(settings: Settings, address: Address) -> tuple[str, ...]:
    """What proves who we are, as texts to be masked."""
    password = (settings.api_auth_string or "").partition(":")[2]
    credential = (address.authorization or "").partition(" ")[2]
    return tuple(text for text in (settings.api_key, settings.api_auth_string, password, credential) if text)


async def _announce(ready: anyio.Event, plan: Plan, on_ready: Ready | None) -> None:
    await ready.wait()
    what = f"work pool {plan.work_pool!r}" if plan.work_pool else f"{len(plan.deployments)} deployment(s)"
    log.info("Claiming", who=plan.name, of=what, limit=explain(plan))
    if on_ready is not None:
        await on_ready()
