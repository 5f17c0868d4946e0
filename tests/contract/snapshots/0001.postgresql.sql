CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.artifact (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    key text,
    type text,
    description text,
    data jsonb,
    metadata_ jsonb,
    flow_run_id character varying(36),
    task_run_id character varying(36)
);
CREATE TABLE public.artifact_collection (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    key text NOT NULL,
    latest_id character varying(36) NOT NULL
);
CREATE TABLE public.automation (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    tags jsonb DEFAULT '[]'::jsonb NOT NULL,
    trigger jsonb DEFAULT '{}'::jsonb NOT NULL,
    actions jsonb DEFAULT '[]'::jsonb NOT NULL,
    actions_on_trigger jsonb DEFAULT '[]'::jsonb NOT NULL,
    actions_on_resolve jsonb DEFAULT '[]'::jsonb NOT NULL
);
CREATE TABLE public.automation_related (
    automation_id character varying(36) NOT NULL,
    resource_id text NOT NULL,
    owned boolean DEFAULT false NOT NULL
);
CREATE TABLE public.block_document (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    secrets text,
    is_anonymous boolean DEFAULT false NOT NULL,
    block_type_id character varying(36) NOT NULL,
    block_schema_id character varying(36) NOT NULL
);
CREATE TABLE public.block_document_reference (
    parent_id character varying(36) NOT NULL,
    name text NOT NULL,
    reference_id character varying(36) NOT NULL
);
CREATE TABLE public.block_schema (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    checksum character varying(80) NOT NULL,
    fields jsonb DEFAULT '{}'::jsonb NOT NULL,
    capabilities jsonb DEFAULT '[]'::jsonb NOT NULL,
    version text NOT NULL,
    block_type_id character varying(36) NOT NULL
);
CREATE TABLE public.block_type (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    logo_url text,
    documentation_url text,
    description text,
    code_example text,
    is_protected boolean DEFAULT false NOT NULL
);
CREATE TABLE public.concurrency_lease (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    expires_at bigint NOT NULL,
    slots bigint NOT NULL,
    limit_ids jsonb DEFAULT '[]'::jsonb NOT NULL,
    holder_type character varying(16),
    holder_id character varying(36)
);
CREATE TABLE public.concurrency_limit (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    active boolean DEFAULT true NOT NULL,
    name text NOT NULL,
    "limit" bigint NOT NULL,
    active_slots bigint DEFAULT '0'::bigint NOT NULL,
    denied_slots bigint DEFAULT '0'::bigint NOT NULL,
    slot_decay_per_second double precision DEFAULT '0'::double precision NOT NULL,
    avg_slot_occupancy_seconds double precision DEFAULT '2'::double precision NOT NULL
);
CREATE TABLE public.deployment (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    flow_id character varying(36) NOT NULL,
    name text NOT NULL,
    version text,
    version_info jsonb,
    description text,
    paused boolean DEFAULT false NOT NULL,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    parameter_openapi_schema jsonb,
    enforce_parameter_schema boolean DEFAULT true NOT NULL,
    tags jsonb DEFAULT '[]'::jsonb NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    entrypoint text,
    path text,
    manifest_path text,
    pull_steps jsonb,
    job_variables jsonb DEFAULT '{}'::jsonb NOT NULL,
    storage_document_id character varying(36),
    infrastructure_document_id character varying(36),
    work_queue_id character varying(36),
    work_queue_name text,
    concurrency_limit bigint,
    global_concurrency_limit_id character varying(36),
    concurrency_options jsonb,
    status character varying(16) DEFAULT 'NOT_READY'::character varying NOT NULL,
    last_polled bigint,
    created_by jsonb,
    updated_by jsonb
);
CREATE TABLE public.deployment_schedule (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    deployment_id character varying(36) NOT NULL,
    schedule jsonb DEFAULT '{}'::jsonb NOT NULL,
    active boolean DEFAULT true NOT NULL,
    max_scheduled_runs bigint,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    slug text,
    catchup jsonb,
    scheduled_until bigint,
    scheduled_at bigint,
    look_at bigint
);
CREATE TABLE public.event (
    cursor bigint NOT NULL,
    id character varying(36) NOT NULL,
    occurred bigint NOT NULL,
    received bigint NOT NULL,
    event text NOT NULL,
    resource_id text NOT NULL,
    follows character varying(36),
    resource jsonb DEFAULT '{}'::jsonb NOT NULL,
    related jsonb DEFAULT '[]'::jsonb NOT NULL,
    payload jsonb DEFAULT '{}'::jsonb NOT NULL
);
CREATE SEQUENCE public.event_cursor_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.event_cursor_seq OWNED BY public.event.cursor;
CREATE TABLE public.flow (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    tags jsonb DEFAULT '[]'::jsonb NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL
);
CREATE TABLE public.flow_run (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    flow_id character varying(36) NOT NULL,
    deployment_id character varying(36),
    work_pool_id character varying(36),
    work_queue_id character varying(36),
    work_queue_name text,
    deployment_version text,
    flow_version text,
    parameters jsonb DEFAULT '{}'::jsonb NOT NULL,
    context jsonb DEFAULT '{}'::jsonb NOT NULL,
    tags jsonb DEFAULT '[]'::jsonb NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    job_variables jsonb,
    empirical_policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    idempotency_key text,
    parent_task_run_id character varying(36),
    auto_scheduled boolean DEFAULT false NOT NULL,
    infrastructure_document_id character varying(36),
    infrastructure_pid text,
    created_by jsonb,
    state_id character varying(36),
    state_type character varying(16),
    state_name text,
    state_timestamp bigint,
    run_count bigint DEFAULT '0'::bigint NOT NULL,
    attempt bigint DEFAULT '0'::bigint NOT NULL,
    interruptions bigint DEFAULT '0'::bigint NOT NULL,
    expected_start_time bigint,
    next_scheduled_start_time bigint,
    start_time bigint,
    end_time bigint,
    total_run_time bigint DEFAULT '0'::bigint NOT NULL,
    in_process boolean DEFAULT false NOT NULL,
    usage jsonb
);
CREATE TABLE public.flow_run_input (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    flow_run_id character varying(36) NOT NULL,
    key text NOT NULL,
    value text NOT NULL,
    sender text
);
CREATE TABLE public.flow_run_state (
    id character varying(36) NOT NULL,
    flow_run_id character varying(36) NOT NULL,
    "timestamp" bigint NOT NULL,
    type character varying(16) NOT NULL,
    name text NOT NULL,
    message text,
    state_details jsonb DEFAULT '{}'::jsonb NOT NULL,
    data jsonb,
    attempt bigint DEFAULT '0'::bigint NOT NULL,
    announced boolean DEFAULT false NOT NULL
);
CREATE TABLE public.lease (
    flow_run_id character varying(36) NOT NULL,
    attempt bigint NOT NULL,
    session_id character varying(36) NOT NULL,
    claim bigint DEFAULT '0'::bigint NOT NULL,
    deployment_id character varying(36),
    claimed_at bigint NOT NULL,
    due bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at bigint,
    provisional_until bigint,
    crash_policy character varying(8) DEFAULT 'crash'::character varying NOT NULL,
    max_interruptions bigint DEFAULT '3'::bigint NOT NULL,
    mark_channel bigint DEFAULT '0'::bigint NOT NULL,
    mark_stdout bigint DEFAULT '0'::bigint NOT NULL,
    mark_stderr bigint DEFAULT '0'::bigint NOT NULL,
    mark_daemon bigint DEFAULT '0'::bigint NOT NULL,
    mark_state bigint DEFAULT '0'::bigint NOT NULL
);
CREATE TABLE public.log (
    cursor bigint NOT NULL,
    flow_run_id character varying(36),
    task_run_id character varying(36),
    attempt bigint,
    "timestamp" bigint NOT NULL,
    level integer NOT NULL,
    name text NOT NULL,
    message text NOT NULL
);
CREATE SEQUENCE public.log_cursor_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.log_cursor_seq OWNED BY public.log.cursor;
CREATE TABLE public.meta (
    key character varying(64) NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.saved_search (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    filters jsonb DEFAULT '[]'::jsonb NOT NULL
);
CREATE TABLE public.session (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    secret_hash character varying(64) NOT NULL,
    kind character varying(8) NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    host text NOT NULL,
    pid bigint NOT NULL,
    work_pool_id character varying(36),
    work_queues jsonb DEFAULT '[]'::jsonb NOT NULL,
    deployments jsonb DEFAULT '[]'::jsonb NOT NULL,
    slots bigint DEFAULT '1'::bigint NOT NULL,
    heartbeat_us bigint DEFAULT '10000000'::bigint NOT NULL,
    lease_us bigint DEFAULT '60000000'::bigint NOT NULL,
    worker_id character varying(36),
    status character varying(12) DEFAULT 'open'::character varying NOT NULL,
    superseded_by character varying(36),
    last_seen bigint NOT NULL,
    claim bigint DEFAULT '0'::bigint NOT NULL,
    drain boolean DEFAULT false NOT NULL
);
CREATE TABLE public.task_run (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    flow_run_id character varying(36),
    task_key text NOT NULL,
    dynamic_key text NOT NULL,
    task_version text,
    cache_key text,
    cache_expiration bigint,
    empirical_policy jsonb DEFAULT '{}'::jsonb NOT NULL,
    tags jsonb DEFAULT '[]'::jsonb NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    task_inputs jsonb DEFAULT '{}'::jsonb NOT NULL,
    state_id character varying(36),
    state_type character varying(16),
    state_name text,
    state_timestamp bigint,
    run_count bigint DEFAULT '0'::bigint NOT NULL,
    flow_run_run_count bigint DEFAULT '0'::bigint NOT NULL,
    expected_start_time bigint,
    next_scheduled_start_time bigint,
    start_time bigint,
    end_time bigint,
    total_run_time bigint DEFAULT '0'::bigint NOT NULL
);
CREATE TABLE public.task_run_state (
    id character varying(36) NOT NULL,
    task_run_id character varying(36) NOT NULL,
    "timestamp" bigint NOT NULL,
    type character varying(16) NOT NULL,
    name text NOT NULL,
    message text,
    state_details jsonb DEFAULT '{}'::jsonb NOT NULL,
    data jsonb
);
CREATE TABLE public.variable (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    value jsonb,
    tags jsonb DEFAULT '[]'::jsonb NOT NULL
);
CREATE TABLE public.work_pool (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    name text NOT NULL,
    description text,
    type text DEFAULT 'prefect-agent'::text NOT NULL,
    base_job_template jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_paused boolean DEFAULT false NOT NULL,
    concurrency_limit bigint,
    status character varying(16) DEFAULT 'NOT_READY'::character varying NOT NULL,
    storage_configuration jsonb,
    default_queue_id character varying(36)
);
CREATE TABLE public.work_queue (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    work_pool_id character varying(36) NOT NULL,
    name text NOT NULL,
    description text,
    is_paused boolean DEFAULT false NOT NULL,
    concurrency_limit bigint,
    priority bigint DEFAULT '1'::bigint NOT NULL,
    status character varying(16) DEFAULT 'NOT_READY'::character varying NOT NULL,
    last_polled bigint,
    filter jsonb
);
CREATE TABLE public.worker (
    id character varying(36) NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    work_pool_id character varying(36) NOT NULL,
    name text NOT NULL,
    last_heartbeat_time bigint,
    heartbeat_interval_seconds double precision,
    status character varying(16) DEFAULT 'OFFLINE'::character varying NOT NULL
);
ALTER TABLE ONLY public.event ALTER COLUMN cursor SET DEFAULT nextval('public.event_cursor_seq'::regclass);
ALTER TABLE ONLY public.log ALTER COLUMN cursor SET DEFAULT nextval('public.log_cursor_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.artifact VALUES ('01a200a1-4e59-7006-9f00-9f7103d4ccda', 1795306901060292, 1795306901060292, 'a-key', 'table', NULL, '{"rows": [1, 2]}', NULL, '01a200a1-4d0c-7160-ae16-ecbce5032ae9', NULL);
INSERT INTO public.artifact_collection VALUES ('8edb4236-0b13-47ee-846c-df6837f39287', 1795306901060292, 1795306901060292, 'a-key', '01a200a1-4e59-7006-9f00-9f7103d4ccda');
INSERT INTO public.automation VALUES ('25e0d5a7-1b42-48de-b40d-a6bbfdda57f8', 1795306901207082, 1795306901207082, 'again', '', true, '[]', '{"id": "3a28fad0-9b9b-4211-9f7a-9b740c43dbd8", "type": "event", "after": [], "match": {}, "expect": ["prefect.flow-run.Failed"], "within": 0.0, "posture": "Reactive", "for_each": [], "threshold": 1, "match_related": {}}', '[{"type": "run-deployment", "source": "selected", "parameters": {}, "deployment_id": "89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "job_variables": null, "schedule_after": 0.0}]', '[]', '[]');
INSERT INTO public.automation_related VALUES ('25e0d5a7-1b42-48de-b40d-a6bbfdda57f8', 'prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', false);
INSERT INTO public.block_document VALUES ('eaad5bc6-a78c-4cad-a9fe-82b8c1034fbf', 1795306901389589, 1795306901389589, 's', '{"value": "********"}', 'gAAAAABrAjWVZF6BmIlrZHpLiIOq7Sk5Pv1xL9CMwpZogWlyRvP3AbbNDka0fB1Si3fO1SgnKtlyycJmCekw7_y8mDxdCnc74A==', false, 'c73bff79-3624-47cc-be29-aabaa311120f', '6d381f15-24a9-49ef-9795-b3f69691ed00');
INSERT INTO public.block_schema VALUES ('6d381f15-24a9-49ef-9795-b3f69691ed00', 1795306901352009, 1795306901352009, 'sha256:d1e4f1f3ff156b19dcc95a1627f308e21af9d6587ee82307281634186dec9804', '{"type": "object", "title": "S", "properties": {"value": {"type": "string"}}, "secret_fields": ["value"]}', '[]', 'non-versioned', 'c73bff79-3624-47cc-be29-aabaa311120f');
INSERT INTO public.block_type VALUES ('c73bff79-3624-47cc-be29-aabaa311120f', 1795306900004209, 1795306900004209, 'Secret', 'secret', NULL, NULL, 'A value that is kept encrypted and never shown.', NULL, false);
INSERT INTO public.block_type VALUES ('6e7e1571-7d59-42cd-a436-d6f746bf1236', 1795306900004209, 1795306900004209, 'Local File System', 'local-file-system', NULL, NULL, 'A folder of the machine that uses it.', NULL, false);
INSERT INTO public.block_type VALUES ('48beb4d4-8ee5-4c41-b201-422c260a0a84', 1795306900004209, 1795306900004209, 'Webhook', 'webhook', NULL, NULL, 'An address that is called.', NULL, false);
INSERT INTO public.block_type VALUES ('ebc3d98a-a0ea-4ca8-b63c-27cabc888d32', 1795306900004209, 1795306900004209, 'Slack Webhook', 'slack-webhook', NULL, NULL, 'A Slack channel that is written to.', NULL, false);
INSERT INTO public.concurrency_lease VALUES ('fc791fb4-7b2a-4cae-84d9-bc93fbd971ee', 1795306901163145, 1795307201163145, 1, '["ad431836-34fb-47bd-bdae-96264803486c"]', NULL, NULL);
INSERT INTO public.concurrency_limit VALUES ('a406e727-9ec1-4126-a58d-7a9c66e67a37', 1795306900370251, 1795306900370251, true, 'deployment:89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 2, 0, 0, 0, 2);
INSERT INTO public.concurrency_limit VALUES ('ad431836-34fb-47bd-bdae-96264803486c', 1795306901147069, 1795306901163145, true, 'slots', 4, 1, 0, 0.5, 2);
INSERT INTO public.deployment VALUES ('89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 1795306900370251, 1795306900370251, '15e7b254-97d0-43dd-920b-b44e95353b28', 'deployment-6', NULL, NULL, NULL, false, '{"n": 1.0}', NULL, true, '[]', '{"team": "x", "prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28"}', NULL, NULL, NULL, NULL, '{}', NULL, NULL, '88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 'default', 2, 'a406e727-9ec1-4126-a58d-7a9c66e67a37', NULL, 'READY', 1795306900895752, NULL, NULL);
INSERT INTO public.deployment_schedule VALUES ('7b9dde7d-efc9-471d-aba8-7591a632b2af', 1795306900370251, 1795306900370251, '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', '{"interval": 3600.0, "timezone": "UTC", "anchor_date": "2026-11-22T00:21:40.400750Z"}', true, NULL, '{"a": 1}', NULL, NULL, 1795317700400750, 1795306900523886, 1795310500400751);
INSERT INTO public.event VALUES (1, '01a200a1-4bc3-7b7f-b9bb-00b1c6bdb5dc', 1795306900370251, 1795306900370251, 'prefect.deployment.created', 'prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', NULL, '{"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6"}', '[]', '{}');
INSERT INTO public.event VALUES (2, '01a200a1-4c12-7eee-ae42-da8c2b6d9fda', 1795306900488595, 1795306900613658, 'prefect.flow-run.Scheduled', 'prefect.flow-run.01a200a1-4c12-7ea4-a124-3c439b2c3bc1', NULL, '{"prefect.run-count": "1", "prefect.state-name": "Scheduled", "prefect.state-type": "SCHEDULED", "prefect.resource.id": "prefect.flow-run.01a200a1-4c12-7ea4-a124-3c439b2c3bc1", "prefect.resource.name": "ivory-hoopoe", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.488595+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "SCHEDULED", "from": null}, "initial_state": null, "validated_state": {"name": "Scheduled", "type": "SCHEDULED"}}');
INSERT INTO public.event VALUES (3, '01a200a1-4c39-7be9-836a-c91fa2f0340e', 1795306900523886, 1795306900613658, 'prefect.flow-run.Scheduled', 'prefect.flow-run.01a200a1-4c39-7ba7-8579-dc99820c271a', NULL, '{"prefect.run-count": "0", "prefect.state-name": "Scheduled", "prefect.state-type": "SCHEDULED", "prefect.resource.id": "prefect.flow-run.01a200a1-4c39-7ba7-8579-dc99820c271a", "prefect.resource.name": "velvet-deer", "prefect.state-message": "Flow run scheduled", "prefect.state-timestamp": "2026-11-22T00:21:40.523886+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}, {"prefect.resource.id": "prefect.tag.auto-scheduled", "prefect.resource.role": "tag"}]', '{"intended": {"to": "SCHEDULED", "from": null}, "initial_state": null, "validated_state": {"name": "Scheduled", "type": "SCHEDULED", "message": "Flow run scheduled"}}');
INSERT INTO public.event VALUES (4, '01a200a1-4c39-7d93-8190-7fc9fcfc4885', 1795306900523886, 1795306900613658, 'prefect.flow-run.Scheduled', 'prefect.flow-run.01a200a1-4c39-7d86-816c-0257db6a713b', NULL, '{"prefect.run-count": "0", "prefect.state-name": "Scheduled", "prefect.state-type": "SCHEDULED", "prefect.resource.id": "prefect.flow-run.01a200a1-4c39-7d86-816c-0257db6a713b", "prefect.resource.name": "hazel-swallow", "prefect.state-message": "Flow run scheduled", "prefect.state-timestamp": "2026-11-22T00:21:40.523886+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}, {"prefect.resource.id": "prefect.tag.auto-scheduled", "prefect.resource.role": "tag"}]', '{"intended": {"to": "SCHEDULED", "from": null}, "initial_state": null, "validated_state": {"name": "Scheduled", "type": "SCHEDULED", "message": "Flow run scheduled"}}');
INSERT INTO public.event VALUES (5, '01a200a1-4c39-7e36-bcbe-ed920c1ae542', 1795306900523886, 1795306900613658, 'prefect.flow-run.Scheduled', 'prefect.flow-run.01a200a1-4c39-7e13-bdb4-a4cf14628827', NULL, '{"prefect.run-count": "0", "prefect.state-name": "Scheduled", "prefect.state-type": "SCHEDULED", "prefect.resource.id": "prefect.flow-run.01a200a1-4c39-7e13-bdb4-a4cf14628827", "prefect.resource.name": "quiet-beaver", "prefect.state-message": "Flow run scheduled", "prefect.state-timestamp": "2026-11-22T00:21:40.523886+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}, {"prefect.resource.id": "prefect.tag.auto-scheduled", "prefect.resource.role": "tag"}]', '{"intended": {"to": "SCHEDULED", "from": null}, "initial_state": null, "validated_state": {"name": "Scheduled", "type": "SCHEDULED", "message": "Flow run scheduled"}}');
INSERT INTO public.event VALUES (6, '01a200a1-4c68-752f-9cf8-4569706bfa10', 1795306900557537, 1795306900613658, 'prefect.flow-run.Running', 'prefect.flow-run.01a200a1-4c12-7ea4-a124-3c439b2c3bc1', '01a200a1-4c12-7eee-ae42-da8c2b6d9fda', '{"prefect.run-count": "1", "prefect.state-name": "Running", "prefect.state-type": "RUNNING", "prefect.resource.id": "prefect.flow-run.01a200a1-4c12-7ea4-a124-3c439b2c3bc1", "prefect.resource.name": "ivory-hoopoe", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.557537+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "RUNNING", "from": "SCHEDULED"}, "initial_state": {"name": "Scheduled", "type": "SCHEDULED"}, "validated_state": {"name": "Running", "type": "RUNNING"}}');
INSERT INTO public.event VALUES (15, '01a200a1-4de0-7385-b8f4-f016db41ee88', 1795306900895752, 1795306900895752, 'prefect.work-queue.ready', 'prefect.work-queue.500d18be-c997-4386-80c9-2fbc2a1b9758', NULL, '{"prefect.resource.id": "prefect.work-queue.500d18be-c997-4386-80c9-2fbc2a1b9758", "prefect.resource.name": "second"}', '[]', '{}');
INSERT INTO public.event VALUES (7, '01a200a1-4c8e-7083-b085-4f15f57c5be8', 1795306900620420, 1795306900751702, 'prefect.flow-run.Completed', 'prefect.flow-run.01a200a1-4c12-7ea4-a124-3c439b2c3bc1', '01a200a1-4c68-752f-9cf8-4569706bfa10', '{"prefect.run-count": "1", "prefect.state-name": "Completed", "prefect.state-type": "COMPLETED", "prefect.resource.id": "prefect.flow-run.01a200a1-4c12-7ea4-a124-3c439b2c3bc1", "prefect.resource.name": "ivory-hoopoe", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.620420+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "COMPLETED", "from": "RUNNING"}, "initial_state": {"name": "Running", "type": "RUNNING"}, "validated_state": {"name": "Completed", "type": "COMPLETED"}}');
INSERT INTO public.event VALUES (8, '01a200a1-4cac-7e10-9a10-16b1c0ca77a6', 1795306900645359, 1795306900751702, 'prefect.flow-run.Scheduled', 'prefect.flow-run.01a200a1-4cac-7dc9-bc1c-c593cf92cf8b', NULL, '{"prefect.run-count": "1", "prefect.state-name": "Scheduled", "prefect.state-type": "SCHEDULED", "prefect.resource.id": "prefect.flow-run.01a200a1-4cac-7dc9-bc1c-c593cf92cf8b", "prefect.resource.name": "sunny-weasel", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.645359+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "SCHEDULED", "from": null}, "initial_state": null, "validated_state": {"name": "Scheduled", "type": "SCHEDULED"}}');
INSERT INTO public.event VALUES (9, '01a200a1-4cc7-76ac-9e48-dd61eaa7d963', 1795306900677783, 1795306900751702, 'prefect.flow-run.Running', 'prefect.flow-run.01a200a1-4cac-7dc9-bc1c-c593cf92cf8b', '01a200a1-4cac-7e10-9a10-16b1c0ca77a6', '{"prefect.run-count": "1", "prefect.state-name": "Running", "prefect.state-type": "RUNNING", "prefect.resource.id": "prefect.flow-run.01a200a1-4cac-7dc9-bc1c-c593cf92cf8b", "prefect.resource.name": "sunny-weasel", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.677783+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "RUNNING", "from": "SCHEDULED"}, "initial_state": {"name": "Scheduled", "type": "SCHEDULED"}, "validated_state": {"name": "Running", "type": "RUNNING"}}');
INSERT INTO public.event VALUES (10, '01a200a1-4ce8-7af0-926d-8d49aa5549f8', 1795306900704309, 1795306900751702, 'prefect.flow-run.Failed', 'prefect.flow-run.01a200a1-4cac-7dc9-bc1c-c593cf92cf8b', '01a200a1-4cc7-76ac-9e48-dd61eaa7d963', '{"prefect.run-count": "1", "prefect.state-name": "Failed", "prefect.state-type": "FAILED", "prefect.resource.id": "prefect.flow-run.01a200a1-4cac-7dc9-bc1c-c593cf92cf8b", "prefect.resource.name": "sunny-weasel", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.704309+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "FAILED", "from": "RUNNING"}, "initial_state": {"name": "Running", "type": "RUNNING"}, "validated_state": {"name": "Failed", "type": "FAILED"}}');
INSERT INTO public.event VALUES (11, '01a200a1-4d3e-7aed-a9a5-2d676ebca512', 1795306900784427, 1795306900784427, 'prefect.worker.online', 'prefect.worker.1af6481f-deaf-49d1-9e31-15b1af3301a9', NULL, '{"prefect.resource.id": "prefect.worker.1af6481f-deaf-49d1-9e31-15b1af3301a9", "prefect.resource.name": "w"}', '[]', '{}');
INSERT INTO public.event VALUES (12, '01a200a1-4d43-7c20-b11e-c7a6abf76c6d', 1795306900784427, 1795306900784427, 'prefect.work-pool.ready', 'prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67', NULL, '{"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4"}', '[]', '{}');
INSERT INTO public.event VALUES (13, '01a200a1-4d0c-7198-902d-fdc83b2a945b', 1795306900738466, 1795306900836202, 'prefect.flow-run.Scheduled', 'prefect.flow-run.01a200a1-4d0c-7160-ae16-ecbce5032ae9', NULL, '{"prefect.run-count": "0", "prefect.state-name": "Scheduled", "prefect.state-type": "SCHEDULED", "prefect.resource.id": "prefect.flow-run.01a200a1-4d0c-7160-ae16-ecbce5032ae9", "prefect.resource.name": "rustic-newt", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.738466+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "SCHEDULED", "from": null}, "initial_state": null, "validated_state": {"name": "Scheduled", "type": "SCHEDULED"}}');
INSERT INTO public.event VALUES (14, '01a200a1-4dd7-7cb0-8d10-142768624df8', 1795306900895752, 1795306900895752, 'prefect.work-queue.ready', 'prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6', NULL, '{"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default"}', '[]', '{}');
INSERT INTO public.event VALUES (16, '01a200a1-4deb-7d7e-ae0b-5f24954b66ca', 1795306900895752, 1795306900895752, 'prefect.deployment.ready', 'prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', NULL, '{"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6"}', '[]', '{}');
INSERT INTO public.event VALUES (17, '01a200a1-4df8-7061-a53e-08bc51aa9394', 1795306900895752, 1795306901048543, 'prefect.flow-run.Pending', 'prefect.flow-run.01a200a1-4d0c-7160-ae16-ecbce5032ae9', '01a200a1-4d0c-7198-902d-fdc83b2a945b', '{"prefect.run-count": "0", "prefect.state-name": "Pending", "prefect.state-type": "PENDING", "prefect.resource.id": "prefect.flow-run.01a200a1-4d0c-7160-ae16-ecbce5032ae9", "prefect.resource.name": "rustic-newt", "prefect.state-message": "", "prefect.state-timestamp": "2026-11-22T00:21:40.895752+00:00"}', '[{"prefect.resource.id": "prefect.flow.15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.resource.name": "flow-5", "prefect.resource.role": "flow"}, {"prefect.resource.id": "prefect.deployment.89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8", "prefect.resource.name": "deployment-6", "prefect.resource.role": "deployment"}, {"prefect.resource.id": "prefect.work-queue.88dc5a43-6ce7-401c-816e-6bf4f50b72b6", "prefect.resource.name": "default", "prefect.resource.role": "work-queue"}, {"prefect.resource.id": "prefect.work-pool.eacc89e8-762b-4e8f-ac99-5f3d2876de67", "prefect.resource.name": "pool-4", "prefect.resource.role": "work-pool", "prefect.work-pool.type": "process"}]', '{"intended": {"to": "PENDING", "from": "SCHEDULED"}, "initial_state": {"name": "Scheduled", "type": "SCHEDULED"}, "validated_state": {"name": "Pending", "type": "PENDING"}}');
INSERT INTO public.event VALUES (19, '01a200a1-4eeb-7d31-89d1-57a9664812f2', 1795306901207082, 1795306901207082, 'prefect.automation.created', 'prefect.automation.25e0d5a7-1b42-48de-b40d-a6bbfdda57f8', NULL, '{"prefect.resource.id": "prefect.automation.25e0d5a7-1b42-48de-b40d-a6bbfdda57f8", "prefect.resource.name": "again"}', '[]', '{}');
INSERT INTO public.event VALUES (18, '01a200a1-4e5e-736c-b3cf-9991f9bd4f31', 1795306901060292, 1795306901060292, 'prefect.artifact.created', 'prefect.artifact.01a200a1-4e59-7006-9f00-9f7103d4ccda', NULL, '{"prefect.resource.id": "prefect.artifact.01a200a1-4e59-7006-9f00-9f7103d4ccda", "prefect.artifact.key": "a-key", "prefect.artifact.type": "table"}', '[]', '{}');
INSERT INTO public.flow VALUES ('15e7b254-97d0-43dd-920b-b44e95353b28', 1795306900361254, 1795306900361254, 'flow-5', '["a"]', '{"team": "x"}');
INSERT INTO public.flow_run VALUES ('01a200a1-4c39-7ba7-8579-dc99820c271a', 1795306900523886, 1795306900523886, 'velvet-deer', '15e7b254-97d0-43dd-920b-b44e95353b28', '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', '88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 'default', NULL, NULL, '{"a": 1, "n": 1.0}', '{}', '["auto-scheduled"]', '{"team": "x", "prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.deployment.id": "89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8"}', NULL, '{}', 'scheduled 89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8 7b9dde7d-efc9-471d-aba8-7591a632b2af 2026-11-22 01:21:40.400750+00:00', NULL, true, NULL, NULL, '{"id": "7b9dde7d-efc9-471d-aba8-7591a632b2af", "type": "SCHEDULE", "display_value": "IntervalSchedule"}', '01a200a1-4c39-7be9-836a-c91fa2f0340e', 'SCHEDULED', 'Scheduled', 1795306900523886, 0, 0, 0, 1795310500400750, 1795310500400750, NULL, NULL, 0, false, NULL);
INSERT INTO public.flow_run VALUES ('01a200a1-4c39-7d86-816c-0257db6a713b', 1795306900523886, 1795306900523886, 'hazel-swallow', '15e7b254-97d0-43dd-920b-b44e95353b28', '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', '88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 'default', NULL, NULL, '{"a": 1, "n": 1.0}', '{}', '["auto-scheduled"]', '{"team": "x", "prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.deployment.id": "89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8"}', NULL, '{}', 'scheduled 89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8 7b9dde7d-efc9-471d-aba8-7591a632b2af 2026-11-22 02:21:40.400750+00:00', NULL, true, NULL, NULL, '{"id": "7b9dde7d-efc9-471d-aba8-7591a632b2af", "type": "SCHEDULE", "display_value": "IntervalSchedule"}', '01a200a1-4c39-7d93-8190-7fc9fcfc4885', 'SCHEDULED', 'Scheduled', 1795306900523886, 0, 0, 0, 1795314100400750, 1795314100400750, NULL, NULL, 0, false, NULL);
INSERT INTO public.flow_run VALUES ('01a200a1-4c39-7e13-bdb4-a4cf14628827', 1795306900523886, 1795306900523886, 'quiet-beaver', '15e7b254-97d0-43dd-920b-b44e95353b28', '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', '88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 'default', NULL, NULL, '{"a": 1, "n": 1.0}', '{}', '["auto-scheduled"]', '{"team": "x", "prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.deployment.id": "89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8"}', NULL, '{}', 'scheduled 89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8 7b9dde7d-efc9-471d-aba8-7591a632b2af 2026-11-22 03:21:40.400750+00:00', NULL, true, NULL, NULL, '{"id": "7b9dde7d-efc9-471d-aba8-7591a632b2af", "type": "SCHEDULE", "display_value": "IntervalSchedule"}', '01a200a1-4c39-7e36-bcbe-ed920c1ae542', 'SCHEDULED', 'Scheduled', 1795306900523886, 0, 0, 0, 1795317700400750, 1795317700400750, NULL, NULL, 0, false, NULL);
INSERT INTO public.flow_run VALUES ('01a200a1-4c12-7ea4-a124-3c439b2c3bc1', 1795306900488595, 1795306900620420, 'ivory-hoopoe', '15e7b254-97d0-43dd-920b-b44e95353b28', '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', '88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 'default', NULL, NULL, '{"n": 1.0}', '{}', '[]', '{"team": "x", "prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.deployment.id": "89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8"}', NULL, '{"retries": null, "resuming": false, "pause_keys": [], "retry_type": null, "max_retries": 0, "retry_delay": null, "retry_delay_seconds": 0.0}', 'COMPLETED', NULL, false, NULL, NULL, NULL, '01a200a1-4c8e-7083-b085-4f15f57c5be8', 'COMPLETED', 'Completed', 1795306900620420, 1, 0, 0, 1795306900488595, NULL, 1795306900557537, 1795306900620420, 62883, false, NULL);
INSERT INTO public.flow_run VALUES ('01a200a1-4cac-7dc9-bc1c-c593cf92cf8b', 1795306900645359, 1795306900704309, 'sunny-weasel', '15e7b254-97d0-43dd-920b-b44e95353b28', '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', '88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 'default', NULL, NULL, '{"n": 1.0}', '{}', '[]', '{"team": "x", "prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.deployment.id": "89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8"}', NULL, '{"retries": null, "resuming": false, "pause_keys": [], "retry_type": null, "max_retries": 0, "retry_delay": null, "retry_delay_seconds": 0.0}', 'FAILED', NULL, false, NULL, NULL, NULL, '01a200a1-4ce8-7af0-926d-8d49aa5549f8', 'FAILED', 'Failed', 1795306900704309, 1, 0, 0, 1795306900645359, NULL, 1795306900677783, 1795306900704309, 26526, false, NULL);
INSERT INTO public.flow_run VALUES ('01a200a1-4d0c-7160-ae16-ecbce5032ae9', 1795306900738466, 1795306900895752, 'rustic-newt', '15e7b254-97d0-43dd-920b-b44e95353b28', '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', '88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 'default', NULL, NULL, '{"n": 2, "text": "ünïcode"}', '{}', '[]', '{"team": "x", "prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.deployment.id": "89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8"}', NULL, '{"retries": null, "resuming": false, "pause_keys": [], "retry_type": null, "max_retries": 0, "retry_delay": null, "retry_delay_seconds": 0.0}', NULL, NULL, false, NULL, NULL, NULL, '01a200a1-4df8-7061-a53e-08bc51aa9394', 'PENDING', 'Pending', 1795306900895752, 0, 1, 0, 1795306900738466, NULL, NULL, NULL, 0, false, NULL);
INSERT INTO public.flow_run_input VALUES ('90f88bed-ae9d-40c7-80a7-1bd9bbcae7f0', 1795306901312573, 1795306901312573, '01a200a1-4d0c-7160-ae16-ecbce5032ae9', 'k', '{"a": 1}', NULL);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4c12-7eee-ae42-da8c2b6d9fda', '01a200a1-4c12-7ea4-a124-3c439b2c3bc1', 1795306900488595, 'SCHEDULED', 'Scheduled', NULL, '{"scheduled_time": "2026-11-22T00:21:40.488595Z"}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4c39-7be9-836a-c91fa2f0340e', '01a200a1-4c39-7ba7-8579-dc99820c271a', 1795306900523886, 'SCHEDULED', 'Scheduled', 'Flow run scheduled', '{"scheduled_time": "2026-11-22T01:21:40.400750Z"}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4c39-7d93-8190-7fc9fcfc4885', '01a200a1-4c39-7d86-816c-0257db6a713b', 1795306900523886, 'SCHEDULED', 'Scheduled', 'Flow run scheduled', '{"scheduled_time": "2026-11-22T02:21:40.400750Z"}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4c39-7e36-bcbe-ed920c1ae542', '01a200a1-4c39-7e13-bdb4-a4cf14628827', 1795306900523886, 'SCHEDULED', 'Scheduled', 'Flow run scheduled', '{"scheduled_time": "2026-11-22T03:21:40.400750Z"}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4c68-752f-9cf8-4569706bfa10', '01a200a1-4c12-7ea4-a124-3c439b2c3bc1', 1795306900557537, 'RUNNING', 'Running', NULL, '{}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4c8e-7083-b085-4f15f57c5be8', '01a200a1-4c12-7ea4-a124-3c439b2c3bc1', 1795306900620420, 'COMPLETED', 'Completed', NULL, '{}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4cac-7e10-9a10-16b1c0ca77a6', '01a200a1-4cac-7dc9-bc1c-c593cf92cf8b', 1795306900645359, 'SCHEDULED', 'Scheduled', NULL, '{"scheduled_time": "2026-11-22T00:21:40.645359Z"}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4cc7-76ac-9e48-dd61eaa7d963', '01a200a1-4cac-7dc9-bc1c-c593cf92cf8b', 1795306900677783, 'RUNNING', 'Running', NULL, '{}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4ce8-7af0-926d-8d49aa5549f8', '01a200a1-4cac-7dc9-bc1c-c593cf92cf8b', 1795306900704309, 'FAILED', 'Failed', NULL, '{}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4d0c-7198-902d-fdc83b2a945b', '01a200a1-4d0c-7160-ae16-ecbce5032ae9', 1795306900738466, 'SCHEDULED', 'Scheduled', NULL, '{"scheduled_time": "2026-11-22T00:21:40.738466Z"}', NULL, 0, true);
INSERT INTO public.flow_run_state VALUES ('01a200a1-4df8-7061-a53e-08bc51aa9394', '01a200a1-4d0c-7160-ae16-ecbce5032ae9', 1795306900895752, 'PENDING', 'Pending', NULL, '{"scheduled_time": "2026-11-22T00:21:40.738466Z"}', NULL, 1, true);
INSERT INTO public.lease VALUES ('01a200a1-4d0c-7160-ae16-ecbce5032ae9', 1, '2b69ecc0-99ad-41dd-9952-12debe786858', 1, '89eb5336-fb1b-4d9c-9bf9-1a0cf95902e8', 1795306900895752, 1795306900738466, 1795306960895752, NULL, NULL, 'crash', 3, 0, 0, 0, 0, 0);
INSERT INTO public.log VALUES (1, '01a200a1-4d0c-7160-ae16-ecbce5032ae9', NULL, NULL, 1767225600000000, 20, 'x', 'a line');
INSERT INTO public.log VALUES (2, '01a200a1-4d0c-7160-ae16-ecbce5032ae9', '01a200a1-4e17-7de5-afb3-313fe56f7033', NULL, 1767225600000000, 20, 'x', 'a line');
INSERT INTO public.meta VALUES ('server_id', '2fa1d846-653c-45e8-b58a-d162c0c7f96b');
INSERT INTO public.meta VALUES ('scheduler_tick', '1795306900495707');
INSERT INTO public.meta VALUES ('reaper_tick', '1795306901043754');
INSERT INTO public.meta VALUES ('reaper_floor', '1795306961043754');
INSERT INTO public.saved_search VALUES ('d62abe4b-fa18-4460-98e3-bbf5ed05bd20', 1795306901268751, 1795306901268751, 'mine', '[]');
INSERT INTO public.session VALUES ('2b69ecc0-99ad-41dd-9952-12debe786858', 1795306900784427, '396da5bc79419cf2e617fca3e2c46e1806bed964dbeadc5d18ec8e21fddf6027', 'worker', 'w', '', '', 0, 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', '[]', '[]', 1, 10000000, 60000000, '1af6481f-deaf-49d1-9e31-15b1af3301a9', 'open', NULL, 1795306900895752, 1, false);
INSERT INTO public.task_run VALUES ('01a200a1-4e17-7de5-afb3-313fe56f7033', 1795306901005687, 1795306901005687, 't', '01a200a1-4d0c-7160-ae16-ecbce5032ae9', 't', '0', NULL, NULL, NULL, '{"retries": null, "max_retries": 0, "retry_delay": null, "retry_delay_seconds": 0.0, "retry_jitter_factor": null}', '[]', '{"prefect.flow.id": "15e7b254-97d0-43dd-920b-b44e95353b28", "prefect.flow-run.id": "01a200a1-4d0c-7160-ae16-ecbce5032ae9"}', '{}', '01a200a1-4e1c-7a0d-8324-9532a9b6e9ff', 'RUNNING', 'Running', 1795306901005687, 1, 0, 1795306901005687, NULL, 1795306901005687, NULL, 0);
INSERT INTO public.task_run_state VALUES ('01a200a1-4e1c-7a0d-8324-9532a9b6e9ff', '01a200a1-4e17-7de5-afb3-313fe56f7033', 1795306901005687, 'RUNNING', 'Running', NULL, '{"flow_run_id": "01a200a1-4d0c-7160-ae16-ecbce5032ae9", "task_run_id": "01a200a1-4e17-7de5-afb3-313fe56f7033"}', NULL);
INSERT INTO public.variable VALUES ('52740733-0e89-41ed-ac30-4d2f4f65395a', 1795306901117758, 1795306901117758, 'v', '{"deep": [1, null]}', '["t"]');
INSERT INTO public.work_pool VALUES ('eacc89e8-762b-4e8f-ac99-5f3d2876de67', 1795306900246307, 1795306900246307, 'pool-4', NULL, 'process', '{}', false, 3, 'READY', '{"bundle_upload_step": null, "bundle_execution_step": null, "default_result_storage_block_id": null}', '88dc5a43-6ce7-401c-816e-6bf4f50b72b6');
INSERT INTO public.work_queue VALUES ('88dc5a43-6ce7-401c-816e-6bf4f50b72b6', 1795306900246307, 1795306900246307, 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', 'default', '', false, NULL, 1, 'READY', 1795306900895752, NULL);
INSERT INTO public.work_queue VALUES ('500d18be-c997-4386-80c9-2fbc2a1b9758', 1795306900309572, 1795306900309572, 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', 'second', NULL, false, NULL, 2, 'READY', 1795306900895752, NULL);
INSERT INTO public.worker VALUES ('1af6481f-deaf-49d1-9e31-15b1af3301a9', 1795306900784427, 1795306900895752, 'eacc89e8-762b-4e8f-ac99-5f3d2876de67', 'w', 1795306900895752, 10, 'ONLINE');
SELECT pg_catalog.setval('public.event_cursor_seq', 19, true);
SELECT pg_catalog.setval('public.log_cursor_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkey PRIMARY KEY (version_num);
ALTER TABLE ONLY public.artifact
    ADD CONSTRAINT pk_artifact PRIMARY KEY (id);
ALTER TABLE ONLY public.artifact_collection
    ADD CONSTRAINT pk_artifact_collection PRIMARY KEY (id);
ALTER TABLE ONLY public.automation
    ADD CONSTRAINT pk_automation PRIMARY KEY (id);
ALTER TABLE ONLY public.automation_related
    ADD CONSTRAINT pk_automation_related PRIMARY KEY (automation_id, resource_id);
ALTER TABLE ONLY public.block_document
    ADD CONSTRAINT pk_block_document PRIMARY KEY (id);
ALTER TABLE ONLY public.block_document_reference
    ADD CONSTRAINT pk_block_document_reference PRIMARY KEY (parent_id, name);
ALTER TABLE ONLY public.block_schema
    ADD CONSTRAINT pk_block_schema PRIMARY KEY (id);
ALTER TABLE ONLY public.block_type
    ADD CONSTRAINT pk_block_type PRIMARY KEY (id);
ALTER TABLE ONLY public.concurrency_lease
    ADD CONSTRAINT pk_concurrency_lease PRIMARY KEY (id);
ALTER TABLE ONLY public.concurrency_limit
    ADD CONSTRAINT pk_concurrency_limit PRIMARY KEY (id);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT pk_deployment PRIMARY KEY (id);
ALTER TABLE ONLY public.deployment_schedule
    ADD CONSTRAINT pk_deployment_schedule PRIMARY KEY (id);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT pk_event PRIMARY KEY (cursor);
ALTER TABLE ONLY public.flow
    ADD CONSTRAINT pk_flow PRIMARY KEY (id);
ALTER TABLE ONLY public.flow_run
    ADD CONSTRAINT pk_flow_run PRIMARY KEY (id);
ALTER TABLE ONLY public.flow_run_input
    ADD CONSTRAINT pk_flow_run_input PRIMARY KEY (id);
ALTER TABLE ONLY public.flow_run_state
    ADD CONSTRAINT pk_flow_run_state PRIMARY KEY (id);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT pk_lease PRIMARY KEY (flow_run_id, attempt);
ALTER TABLE ONLY public.log
    ADD CONSTRAINT pk_log PRIMARY KEY (cursor);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT pk_meta PRIMARY KEY (key);
ALTER TABLE ONLY public.saved_search
    ADD CONSTRAINT pk_saved_search PRIMARY KEY (id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT pk_session PRIMARY KEY (id);
ALTER TABLE ONLY public.task_run
    ADD CONSTRAINT pk_task_run PRIMARY KEY (id);
ALTER TABLE ONLY public.task_run_state
    ADD CONSTRAINT pk_task_run_state PRIMARY KEY (id);
ALTER TABLE ONLY public.variable
    ADD CONSTRAINT pk_variable PRIMARY KEY (id);
ALTER TABLE ONLY public.work_pool
    ADD CONSTRAINT pk_work_pool PRIMARY KEY (id);
ALTER TABLE ONLY public.work_queue
    ADD CONSTRAINT pk_work_queue PRIMARY KEY (id);
ALTER TABLE ONLY public.worker
    ADD CONSTRAINT pk_worker PRIMARY KEY (id);
ALTER TABLE ONLY public.artifact_collection
    ADD CONSTRAINT uq_artifact_collection_key UNIQUE (key);
ALTER TABLE ONLY public.block_document
    ADD CONSTRAINT uq_block_document_block_type_id_name UNIQUE (block_type_id, name);
ALTER TABLE ONLY public.block_schema
    ADD CONSTRAINT uq_block_schema_checksum_version UNIQUE (checksum, version);
ALTER TABLE ONLY public.block_type
    ADD CONSTRAINT uq_block_type_slug UNIQUE (slug);
ALTER TABLE ONLY public.concurrency_limit
    ADD CONSTRAINT uq_concurrency_limit_name UNIQUE (name);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT uq_deployment_flow_id_name UNIQUE (flow_id, name);
ALTER TABLE ONLY public.event
    ADD CONSTRAINT uq_event_id UNIQUE (id);
ALTER TABLE ONLY public.flow
    ADD CONSTRAINT uq_flow_name UNIQUE (name);
ALTER TABLE ONLY public.flow_run_input
    ADD CONSTRAINT uq_flow_run_input_flow_run_id_key UNIQUE (flow_run_id, key);
ALTER TABLE ONLY public.flow_run_state
    ADD CONSTRAINT uq_flow_run_state_flow_run_id_timestamp UNIQUE (flow_run_id, "timestamp");
ALTER TABLE ONLY public.saved_search
    ADD CONSTRAINT uq_saved_search_name UNIQUE (name);
ALTER TABLE ONLY public.task_run
    ADD CONSTRAINT uq_task_run_flow_run_id_task_key_dynamic_key UNIQUE (flow_run_id, task_key, dynamic_key);
ALTER TABLE ONLY public.variable
    ADD CONSTRAINT uq_variable_name UNIQUE (name);
ALTER TABLE ONLY public.work_pool
    ADD CONSTRAINT uq_work_pool_name UNIQUE (name);
ALTER TABLE ONLY public.work_queue
    ADD CONSTRAINT uq_work_queue_work_pool_id_name UNIQUE (work_pool_id, name);
ALTER TABLE ONLY public.worker
    ADD CONSTRAINT uq_worker_work_pool_id_name UNIQUE (work_pool_id, name);
CREATE INDEX ix_artifact_flow_run_id ON public.artifact USING btree (flow_run_id);
CREATE INDEX ix_artifact_key ON public.artifact USING btree (key);
CREATE INDEX ix_automation_related_resource_id ON public.automation_related USING btree (resource_id);
CREATE INDEX ix_block_schema_block_type_id ON public.block_schema USING btree (block_type_id);
CREATE INDEX ix_concurrency_lease_expires_at ON public.concurrency_lease USING btree (expires_at);
CREATE INDEX ix_deployment_schedule_deployment_id ON public.deployment_schedule USING btree (deployment_id);
CREATE INDEX ix_deployment_updated ON public.deployment USING btree (updated);
CREATE INDEX ix_deployment_work_queue_id ON public.deployment USING btree (work_queue_id);
CREATE INDEX ix_event_event ON public.event USING btree (event, occurred);
CREATE INDEX ix_event_occurred ON public.event USING btree (occurred);
CREATE INDEX ix_event_resource_id ON public.event USING btree (resource_id, occurred);
CREATE INDEX ix_flow_run_active_deployment ON public.flow_run USING btree (deployment_id) WHERE ((state_type)::text = ANY ((ARRAY['PENDING'::character varying, 'RUNNING'::character varying, 'CANCELLING'::character varying])::text[]));
CREATE INDEX ix_flow_run_active_queue ON public.flow_run USING btree (work_queue_id, state_type) WHERE ((state_type)::text = ANY ((ARRAY['PENDING'::character varying, 'RUNNING'::character varying, 'CANCELLING'::character varying])::text[]));
CREATE INDEX ix_flow_run_begun ON public.flow_run USING btree (COALESCE(start_time, expected_start_time));
CREATE INDEX ix_flow_run_deployment_id ON public.flow_run USING btree (deployment_id, expected_start_time);
CREATE INDEX ix_flow_run_due ON public.flow_run USING btree (next_scheduled_start_time) WHERE (((state_type)::text = 'SCHEDULED'::text) AND (state_name = 'Scheduled'::text));
CREATE INDEX ix_flow_run_end_time ON public.flow_run USING btree (end_time);
CREATE INDEX ix_flow_run_expected_start_time ON public.flow_run USING btree (expected_start_time);
CREATE INDEX ix_flow_run_flow_id ON public.flow_run USING btree (flow_id, expected_start_time);
CREATE INDEX ix_flow_run_lane ON public.flow_run USING btree (work_queue_id, deployment_id, next_scheduled_start_time) WHERE (((state_type)::text = 'SCHEDULED'::text) AND (in_process = false));
CREATE INDEX ix_flow_run_name ON public.flow_run USING btree (name);
CREATE INDEX ix_flow_run_parent ON public.flow_run USING btree (parent_task_run_id) WHERE (parent_task_run_id IS NOT NULL);
CREATE INDEX ix_flow_run_paused ON public.flow_run USING btree (state_timestamp) WHERE ((state_type)::text = ANY ((ARRAY['PAUSED'::character varying, 'CANCELLING'::character varying])::text[]));
CREATE INDEX ix_flow_run_queue_due ON public.flow_run USING btree (work_queue_id, next_scheduled_start_time) WHERE (((state_type)::text = 'SCHEDULED'::text) AND (in_process = false));
CREATE INDEX ix_flow_run_served ON public.flow_run USING btree (deployment_id, next_scheduled_start_time) WHERE ((state_type)::text = 'SCHEDULED'::text);
CREATE INDEX ix_flow_run_state ON public.flow_run USING btree (state_type, expected_start_time);
CREATE INDEX ix_flow_run_state_outbox ON public.flow_run_state USING btree ("timestamp") WHERE (NOT announced);
CREATE INDEX ix_lease_live ON public.lease USING btree (session_id) WHERE (ended_at IS NULL);
CREATE INDEX ix_lease_provisional ON public.lease USING btree (provisional_until) WHERE (provisional_until IS NOT NULL);
CREATE INDEX ix_log_flow_run_id ON public.log USING btree (flow_run_id, cursor);
CREATE INDEX ix_session_last_seen ON public.session USING btree (last_seen);
CREATE INDEX ix_session_open ON public.session USING btree (work_pool_id) WHERE ((status)::text = 'open'::text);
CREATE INDEX ix_task_run_cache_key ON public.task_run USING btree (cache_key) WHERE (cache_key IS NOT NULL);
CREATE INDEX ix_task_run_expected_start_time ON public.task_run USING btree (expected_start_time);
CREATE INDEX ix_task_run_state_task_run_id ON public.task_run_state USING btree (task_run_id, "timestamp");
CREATE UNIQUE INDEX uq_flow_run_idempotency ON public.flow_run USING btree (flow_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);
ALTER TABLE ONLY public.artifact_collection
    ADD CONSTRAINT fk_artifact_collection_latest_id FOREIGN KEY (latest_id) REFERENCES public.artifact(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.automation_related
    ADD CONSTRAINT fk_automation_related_automation_id FOREIGN KEY (automation_id) REFERENCES public.automation(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.block_document
    ADD CONSTRAINT fk_block_document_block_schema_id FOREIGN KEY (block_schema_id) REFERENCES public.block_schema(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.block_document
    ADD CONSTRAINT fk_block_document_block_type_id FOREIGN KEY (block_type_id) REFERENCES public.block_type(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.block_document_reference
    ADD CONSTRAINT fk_block_document_reference_parent_id FOREIGN KEY (parent_id) REFERENCES public.block_document(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.block_document_reference
    ADD CONSTRAINT fk_block_document_reference_reference_id FOREIGN KEY (reference_id) REFERENCES public.block_document(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.block_schema
    ADD CONSTRAINT fk_block_schema_block_type_id FOREIGN KEY (block_type_id) REFERENCES public.block_type(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT fk_deployment_flow_id FOREIGN KEY (flow_id) REFERENCES public.flow(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.deployment_schedule
    ADD CONSTRAINT fk_deployment_schedule_deployment_id FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT fk_deployment_work_queue_id FOREIGN KEY (work_queue_id) REFERENCES public.work_queue(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.flow_run
    ADD CONSTRAINT fk_flow_run_deployment_id FOREIGN KEY (deployment_id) REFERENCES public.deployment(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.flow_run
    ADD CONSTRAINT fk_flow_run_flow_id FOREIGN KEY (flow_id) REFERENCES public.flow(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.flow_run_input
    ADD CONSTRAINT fk_flow_run_input_flow_run_id FOREIGN KEY (flow_run_id) REFERENCES public.flow_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.flow_run_state
    ADD CONSTRAINT fk_flow_run_state_flow_run_id FOREIGN KEY (flow_run_id) REFERENCES public.flow_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT fk_lease_flow_run_id FOREIGN KEY (flow_run_id) REFERENCES public.flow_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.session
    ADD CONSTRAINT fk_session_work_pool_id FOREIGN KEY (work_pool_id) REFERENCES public.work_pool(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.session
    ADD CONSTRAINT fk_session_worker_id FOREIGN KEY (worker_id) REFERENCES public.worker(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.task_run
    ADD CONSTRAINT fk_task_run_flow_run_id FOREIGN KEY (flow_run_id) REFERENCES public.flow_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.task_run_state
    ADD CONSTRAINT fk_task_run_state_task_run_id FOREIGN KEY (task_run_id) REFERENCES public.task_run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.work_queue
    ADD CONSTRAINT fk_work_queue_work_pool_id FOREIGN KEY (work_pool_id) REFERENCES public.work_pool(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.worker
    ADD CONSTRAINT fk_worker_work_pool_id FOREIGN KEY (work_pool_id) REFERENCES public.work_pool(id) ON DELETE CASCADE;
