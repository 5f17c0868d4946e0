"""What of all but runs our server answers otherwise than Prefect's, and why. For users it is told in docs/compatibility.md."""

from __future__ import annotations

from typing import Final

from support.beside_answers import Otherwise

_RUNS: Final = r"POST /(work_pools/\S+/get_scheduled_flow_runs|flow_runs/filter) "

OTHERWISE: Final = (
    Otherwise("", r"exception_detail(\[\d+\]\.(msg|type|ctx|input)\b.*| length|\[\d+\]\.loc.*)$", "words for what is wrong in a body"),
    Otherwise("", r"^\.request_body", "what was sent is shown as it was sent"),
    Otherwise("", r"^\.detail$", "words: what there is not, or stands in the way, is said"),
    Otherwise("", r"active_slots$", "how many runs a pool or queue without a limit has"),
    Otherwise("", r"^(\[\d+\])?\.description$", "the queue of a pool needs no description"),
    Otherwise(
        r"(GET|POST|PATCH) /deployments|POST /deployments",
        r"\.(version_info|manifest_path|infra_overrides|schedule|is_schedule_active)(\.\w+)*$",
        "what clients of 2.x read, and what is kept of the version",
    ),
    Otherwise("POST /block_types/filter( |$)", "^ length$", "the types that each server brings along"),
    Otherwise("GET /deployments/", r"^\.work_queue_name$", "without a pool there is no queue"),
    Otherwise(_RUNS, r"\.flow_run\.work_pool_(id|name)$", "a run that is due tells its pool"),
    Otherwise(_RUNS, r"\.job_variables$", "null where a run has none of its own"),
    Otherwise(_RUNS, r"\.state\.state_details\.flow_run_id$", "a state always tells its run"),
    Otherwise(r"(GET|POST) /artifacts/\w+/(latest|filter)", r"^(\[\d+\])?\.id$", "the newest artifact of a key has its own id"),
    Otherwise("POST /block_documents/ .*is_anonymous", r"^\.name$", "the name that nobody sees is made of the document's own id"),
    Otherwise("POST /events/filter", r"^\.next_page$", "only the server reads it"),
)
