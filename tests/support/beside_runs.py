"""What of runs our server answers otherwise than Prefect's, and why. For users it is told in docs/compatibility.md."""

from __future__ import annotations

from typing import Final

from support.beside_answers import Otherwise

_RUN: Final = r"(GET|POST) /flow_runs/"
_SET_STATE: Final = r"POST /(task|flow)_runs/\S*/set_state"

OTHERWISE: Final = (
    Otherwise("", r"exception_detail(\[\d+\]\.(msg|type|ctx|input)\b.*| length|\[\d+\]\.loc length)$", "words for what is wrong in a body"),
    Otherwise("", r"^\.request_body$", "what is no JSON is not said once more"),
    Otherwise("POST /(deployments|work_pools)/( |$)|POST /work_pools/\\S+/queues", "", "other stories are about these"),
    Otherwise(_RUN, r"(^|\])\.job_variables$", "with us null only where they were taken away, with theirs also by the way a run was made"),
    Otherwise("POST /(flow|task)_runs/ ", r"^\.detail$", "ours says what there is not"),
    Otherwise(r"POST /deployments/\S*/create_flow_run", r"^\.(detail|results\[1\]\.error)$", "words"),
    Otherwise(
        f"{_SET_STATE} .*unpersisted", r"^\.state\.data$", "theirs repeats what was proposed, and forgets it; ours shows what it keeps"
    ),
    Otherwise(_RUN, r"\.empirical_policy\.resuming$", "with us it says what is still ahead: never of a run that runs or has ended"),
    Otherwise("GET /flow_runs/", r"^\.run_count$", "a pause takes no try, and so it is for a task of the flow"),
    Otherwise("POST /flow_runs/filter .*NAME_ASC", r"^\[1[0-3]\]\.run_count$", "likewise, in the list of what came of Paused"),
    Otherwise("GET /task_runs/", r"^\.flow_run_run_count$", "likewise"),
    Otherwise(_SET_STATE, r"^\.details\.reason$", "words: a state is called by its name"),
    Otherwise(_RUN, r"^\.state\.message$", "a run that waits for a slot says so"),
    Otherwise(_RUN, r"\.deployment_concurrency_lease_id$", "the lease of a run that has ended is over"),
    Otherwise("GET /task_runs/", r"^\.cache_(key|expiration)$", "ours shows under which key a result is kept"),
    Otherwise("POST /task_runs/paginate", r"\.results\[\d+\]\.\w+$", "a page has all fields that a list has"),
    Otherwise("POST /logs/filter", r"\.(created|updated)$", "a line is as old as what it tells of"),
)
