"""The nouns of the command line against a real server, with no worker: pools, queues, deployments, schedules, runs that wait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.cli import Do, Terminal, flowhand
from support.server import RunningServer
from support.worker import Api


def test_the_life_of_a_work_pool(do: Do) -> None:
    """Create, list, show, limit, pause, resume, delete; each says what it did and the API agrees."""
    assert "worker start --pool life" in do("work-pool", "create", "life", "--type", "process", "--concurrency-limit", "3").out
    made = do("work-pool", "inspect", "life", "-o", "json").json
    assert (made["type"], made["concurrency_limit"], made["is_paused"]) == ("process", 3, False)
    assert made["base_job_template"]["job_configuration"]["command"], "it has the template of its type"
    do("work-pool", "pause", "life")
    assert "Paused" in do("work-pool", "ls").out
    do("work-pool", "resume", "life")
    do("work-pool", "set-concurrency-limit", "life", "7")
    assert "7" in do("work-pool", "inspect", "life").out
    do("work-pool", "clear-concurrency-limit", "life")
    do("work-pool", "update", "life", "--description", "a pool")
    changed = do("work-pool", "inspect", "life", "-o", "json").json
    assert (changed["concurrency_limit"], changed["description"], changed["is_paused"]) == (None, "a pool", False)
    assert "exists already" in do("work-pool", "create", "life", code=1).err
    do("work-pool", "create", "life", "--overwrite", "--description", "again")
    do("work-pool", "delete", "life")
    assert "life" not in [pool["name"] for pool in do("work-pool", "ls", "-o", "json").json]


def test_whose_worker_a_pool_needs(do: Do) -> None:
    """The command is one that works: Prefect's for what ours does not execute, and fit for a shell."""
    assert "it: prefect worker start --pool cluster" in do("work-pool", "create", "cluster", "--type", "kubernetes").out
    assert "it: worker start --pool 'two words'" in do("work-pool", "create", "two words").out
    assert "worker" not in do("work-pool", "create", "away", "--type", "cloud:push").out


def test_a_template_from_a_file(do: Do, tmp_path: Path) -> None:
    """A template is taken as it is; a file that is none is refused with its name."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(
        json.dumps({"job_configuration": {"command": "{{ command }}"}, "variables": {"properties": {"command": {"type": "string"}}}})
    )
    bad.write_text("[]")
    do("work-pool", "create", "templated", "--base-job-template", str(good))
    assert do("work-pool", "inspect", "templated", "-o", "json").json["base_job_template"] == json.loads(good.read_text())
    assert str(bad) in do("work-pool", "create", "other", "--base-job-template", str(bad), code=2).err
    assert "did you mean 'process'" in do("work-pool", "create", "other", "--type", "proces", code=2).err


def test_the_life_of_a_work_queue(do: Do) -> None:
    """Create, list in order of priority, show, pause without losing its limit, delete."""
    do("work-pool", "create", "queued")
    do("work-queue", "create", "slow", "-p", "queued", "--priority", "9", "--concurrency-limit", "2")
    do("work-queue", "create", "fast", "-p", "queued")
    do("work-queue", "pause", "slow", "-p", "queued")
    do("work-queue", "set-concurrency-limit", "slow", "4", "-p", "queued")
    shown = do("work-queue", "inspect", "slow", "-p", "queued", "-o", "json").json
    assert (shown["priority"], shown["concurrency_limit"], shown["is_paused"]) == (9, 4, True)
    do("work-queue", "set-priority", "slow", "1", "-p", "queued")
    do("work-queue", "resume", "slow", "-p", "queued")
    do("work-queue", "clear-concurrency-limit", "slow", "-p", "queued")
    assert do("work-queue", "inspect", "slow", "-p", "queued").out.startswith("name:")
    assert do("work-queue", "ls", "-p", "queued", "-o", "json").json[0]["priority"] == 1
    do("work-queue", "delete", "fast", "-p", "queued")
    assert "did you mean 'slow'" in do("work-queue", "inspect", "slwo", "-p", "queued", code=4).err


def deploy(api: Api, entrypoint: str, pool: str, **fields: Any) -> str:
    api.pool(pool)
    return api.deploy(entrypoint, Path("/nowhere"), pool, **fields)


def test_deployments_are_found_by_any_of_their_names(do: Do, api: Api) -> None:
    """By `flow/name`, by id, and by the name alone when only one has it."""
    schema = {"properties": {"n": {"type": "integer", "default": 1}}}
    one = deploy(api, "f.py:named", "names", name="only", parameter_openapi_schema=schema)
    for given in ("named/only", one, "only"):
        assert do("deployment", "inspect", given, "-o", "json").json["id"] == one
    api.deploy("f.py:another", Path("/nowhere"), "names", name="only")
    assert "several deployments" in do("deployment", "inspect", "only", code=4).err
    listed = do("deployment", "ls", "--flow", "named", "-o", "json").json
    assert [row["name"] for row in listed] == ["only"]
    assert "integer, default 1" in do("deployment", "inspect", "named/only").out
    do("deployment", "pause", "named/only")
    assert "Paused" in do("deployment", "ls", "--flow", "named").out
    do("deployment", "resume", "named/only")
    do("deployment", "delete", "named/only")
    do("deployment", "inspect", "named/only", code=4)
    assert "named" in [flow["name"] for flow in do("flow", "ls", "-o", "json").json]


def test_schedules_come_and_go(do: Do, api: Api) -> None:
    """Create of each kind, list in words, pause, resume, delete by the beginning of an id, clear."""
    deploy(api, "f.py:planned", "plans", name="p")
    do("deployment", "schedule", "create", "p", "--interval", "15m", "--anchor", "2026-01-01T00:00Z")
    do("deployment", "schedule", "create", "p", "--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin")
    do("deployment", "schedule", "create", "p", "--rrule", "FREQ=DAILY;BYHOUR=9", "--paused")
    text = do("deployment", "schedule", "ls", "p").out
    assert "every 15 min" in text
    assert "at cron 0 9 * * 1-5 Europe/Berlin" in text
    rows = do("deployment", "schedule", "ls", "p", "-o", "json").json
    assert sorted(row["active"] for row in rows) == [False, True, True]
    interval = next(row for row in rows if "interval" in row["schedule"])
    do("deployment", "schedule", "pause", "p", interval["id"])
    assert "every 15 min" not in do("deployment", "ls", "--flow", "planned").out
    do("deployment", "schedule", "resume", "p", interval["id"])
    do("deployment", "schedule", "delete", "p", interval["id"])
    assert len(do("deployment", "schedule", "ls", "p", "-o", "json").json) == 2
    assert "has no schedule" in do("deployment", "schedule", "delete", "p", "zzz", code=4).err
    assert "one of --interval" in do("deployment", "schedule", "create", "p", code=2).err
    do("deployment", "schedule", "clear", "p")
    assert do("deployment", "schedule", "ls", "p", "-o", "json").json == []


def test_a_run_is_made_as_it_was_asked_for(do: Do, api: Api) -> None:
    """Parameters, tags, name, time and job variables arrive."""
    deploy(api, "f.py:asked", "asks", name="a", parameters={"kept": 1})
    words = "deployment run a -p n=3 -p s=text --tag x --flow-run-name mine --in 2h --job-variable timeout=5 -o json"
    run = do(*words.split()).json
    assert run["parameters"] == {"kept": 1, "n": 3, "s": "text"}
    assert (run["name"], run["job_variables"]) == ("mine", {"timeout": 5})
    assert "x" in run["tags"]
    assert do("flow-run", "ls", "--flow", "asked", "-o", "json").json == [], "it is not due yet"
    assert [row["id"] for row in do("flow-run", "ls", "--flow", "asked", "--upcoming", "-o", "json").json] == [run["id"]]
    assert do("flow-run", "inspect", "mine", "-o", "json").json["id"] == run["id"]


def test_a_run_that_waits_is_cancelled_at_once(do: Do, api: Api) -> None:
    """Without a process to end, cancelling is over when it returns; a second time it is refused with the reason."""
    deploy(api, "f.py:waiting", "waits", name="w")
    run = do("deployment", "run", "w", "-o", "json").json["id"]
    assert "Cancelled run" in do("flow-run", "cancel", run).out
    assert "already" in do("flow-run", "cancel", run, code=1).err
    assert "Scheduled" in do("flow-run", "retry", run).out
    assert "only a run that has ended" in do("flow-run", "retry", run, code=1).err
    do("flow-run", "delete", run)
    do("flow-run", "inspect", run, code=4)


def test_watching_says_why_a_run_waits(do: Do, api: Api) -> None:
    """With nobody to take it, the reason is printed, the time-out ends the watch with 1, and the run goes on."""
    deploy(api, "f.py:lonely", "lonely", name="l")
    ended = do("deployment", "run", "l", "--watch", "--timeout", "1", code=1)
    assert "lonely" in ended.out.partition("waiting: ")[2], ended
    assert "the run goes on" in ended.err


def test_a_terminal_shows_what_a_run_waits_for(env: dict[str, str], api: Api) -> None:
    """The line that moves holds the reason; Ctrl-C leaves with 130 and says how to cancel."""
    deploy(api, "f.py:shown", "shown", name="s")
    terminal = Terminal("deployment", "run", "s", "--watch", env=env)
    try:
        terminal.wait_for("shown'")
        terminal.interrupt()
        assert terminal.end() == 130
        assert "flowhand flow-run cancel" in terminal.seen
    finally:
        terminal.kill()


def test_tables_fit_a_terminal_of_80_columns(env: dict[str, str], api: Api) -> None:
    """On a terminal no line is longer than 80; ids are whole. In a pipe nothing is cut."""
    flow = "a_flow_with_a_name_that_is_rather_long_for_a_table"
    deploy(api, f"f.py:{flow}", "wide", name="and-a-deployment-with-a-long-name-as-well")
    run = api.run(flowhand("deployment", "ls", "--flow", flow, "-o", "json", env=env).json[0]["id"])
    terminal = Terminal("flow-run", "ls", "--flow", flow, env=env)
    assert terminal.end() == 0
    assert run in terminal.seen
    assert max(map(len, terminal.seen.splitlines())) <= 80 + len("\x1b[1m\x1b[0m") * 5
    assert f"{flow}/and-a-deployment-with-a-long-name-as-well" in flowhand("deployment", "ls", env=env).out


def test_the_server_tells_about_itself(do: Do, server: RunningServer) -> None:
    """Where it is, where its data is, who is connected."""
    about = do("server", "status", "-o", "json").json
    assert about["running"] is True
    assert about["url"] == server.url
    assert about["database"] == str(server.home / "server" / "flowhand.db")
    assert about["sessions"] == []


def test_workers_that_heartbeat_are_listed(do: Do, api: Api) -> None:
    """A worker of any client is shown with its pool."""
    api.pool("beating")
    api.call("POST", "/work_pools/beating/workers/heartbeat", {"name": "w1", "heartbeat_interval_seconds": 30})
    rows = do("worker", "ls", "--pool", "beating", "-o", "json").json
    assert [(row["name"], row["work_pool_name"], row["status"]) for row in rows] == [("w1", "beating", "ONLINE")]
    assert "Online" in do("worker", "ls").out


def test_settings_and_where_they_come_from(env: dict[str, str]) -> None:
    """Each with its source; a secret is shown on demand only."""
    env = {**env, "FLOWHAND_API_KEY": "s3cret"}
    shown = flowhand("config", "view", env=env)
    assert "environment FLOWHAND_API_URL" in shown.out
    assert "s3cret" not in shown.out
    assert flowhand("config", "view", "-o", "json", env=env).json["api_key"]["value"] == "********"
    assert flowhand("config", "view", "--show-secrets", "-o", "json", env=env).json["api_key"]["value"] == "s3cret"
