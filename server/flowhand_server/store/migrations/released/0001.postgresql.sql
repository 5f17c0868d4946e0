CREATE TABLE meta (
    key VARCHAR(64) NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY (key)
);

CREATE TABLE flow (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_flow PRIMARY KEY (id),
    CONSTRAINT uq_flow_name UNIQUE (name)
);

CREATE TABLE work_pool (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    type TEXT DEFAULT 'prefect-agent' NOT NULL,
    base_job_template JSONB DEFAULT '{}' NOT NULL,
    is_paused BOOLEAN DEFAULT false NOT NULL,
    concurrency_limit BIGINT,
    status VARCHAR(16) DEFAULT 'NOT_READY' NOT NULL,
    storage_configuration JSONB,
    default_queue_id VARCHAR(36),
    CONSTRAINT pk_work_pool PRIMARY KEY (id),
    CONSTRAINT uq_work_pool_name UNIQUE (name)
);

CREATE TABLE log (
    cursor BIGSERIAL NOT NULL,
    flow_run_id VARCHAR(36),
    task_run_id VARCHAR(36),
    attempt BIGINT,
    timestamp BIGINT NOT NULL,
    level INTEGER NOT NULL,
    name TEXT NOT NULL,
    message TEXT NOT NULL,
    CONSTRAINT pk_log PRIMARY KEY (cursor)
);

CREATE INDEX ix_log_flow_run_id ON log (flow_run_id, cursor);

CREATE TABLE concurrency_limit (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    name TEXT NOT NULL,
    "limit" BIGINT NOT NULL,
    active_slots BIGINT DEFAULT '0' NOT NULL,
    denied_slots BIGINT DEFAULT '0' NOT NULL,
    slot_decay_per_second FLOAT DEFAULT '0' NOT NULL,
    avg_slot_occupancy_seconds FLOAT DEFAULT '2' NOT NULL,
    CONSTRAINT pk_concurrency_limit PRIMARY KEY (id),
    CONSTRAINT uq_concurrency_limit_name UNIQUE (name)
);

CREATE TABLE concurrency_lease (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    slots BIGINT NOT NULL,
    limit_ids JSONB DEFAULT '[]' NOT NULL,
    holder_type VARCHAR(16),
    holder_id VARCHAR(36),
    CONSTRAINT pk_concurrency_lease PRIMARY KEY (id)
);

CREATE INDEX ix_concurrency_lease_expires_at ON concurrency_lease (expires_at);

CREATE TABLE variable (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    value JSONB,
    tags JSONB DEFAULT '[]' NOT NULL,
    CONSTRAINT pk_variable PRIMARY KEY (id),
    CONSTRAINT uq_variable_name UNIQUE (name)
);

CREATE TABLE block_type (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    logo_url TEXT,
    documentation_url TEXT,
    description TEXT,
    code_example TEXT,
    is_protected BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_block_type PRIMARY KEY (id),
    CONSTRAINT uq_block_type_slug UNIQUE (slug)
);

CREATE TABLE artifact (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    key TEXT,
    type TEXT,
    description TEXT,
    data JSONB,
    metadata_ JSONB,
    flow_run_id VARCHAR(36),
    task_run_id VARCHAR(36),
    CONSTRAINT pk_artifact PRIMARY KEY (id)
);

CREATE INDEX ix_artifact_flow_run_id ON artifact (flow_run_id);

CREATE INDEX ix_artifact_key ON artifact (key);

CREATE TABLE saved_search (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    filters JSONB DEFAULT '[]' NOT NULL,
    CONSTRAINT pk_saved_search PRIMARY KEY (id),
    CONSTRAINT uq_saved_search_name UNIQUE (name)
);

CREATE TABLE event (
    cursor BIGSERIAL NOT NULL,
    id VARCHAR(36) NOT NULL,
    occurred BIGINT NOT NULL,
    received BIGINT NOT NULL,
    event TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    follows VARCHAR(36),
    resource JSONB DEFAULT '{}' NOT NULL,
    related JSONB DEFAULT '[]' NOT NULL,
    payload JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (cursor),
    CONSTRAINT uq_event_id UNIQUE (id)
);

CREATE INDEX ix_event_occurred ON event (occurred);

CREATE INDEX ix_event_event ON event (event, occurred);

CREATE INDEX ix_event_resource_id ON event (resource_id, occurred);

CREATE TABLE automation (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    enabled BOOLEAN DEFAULT true NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    trigger JSONB DEFAULT '{}' NOT NULL,
    actions JSONB DEFAULT '[]' NOT NULL,
    actions_on_trigger JSONB DEFAULT '[]' NOT NULL,
    actions_on_resolve JSONB DEFAULT '[]' NOT NULL,
    CONSTRAINT pk_automation PRIMARY KEY (id)
);

CREATE TABLE work_queue (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    work_pool_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    is_paused BOOLEAN DEFAULT false NOT NULL,
    concurrency_limit BIGINT,
    priority BIGINT DEFAULT '1' NOT NULL,
    status VARCHAR(16) DEFAULT 'NOT_READY' NOT NULL,
    last_polled BIGINT,
    filter JSONB,
    CONSTRAINT pk_work_queue PRIMARY KEY (id),
    CONSTRAINT uq_work_queue_work_pool_id_name UNIQUE (work_pool_id, name),
    CONSTRAINT fk_work_queue_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE CASCADE
);

CREATE TABLE worker (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    work_pool_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    last_heartbeat_time BIGINT,
    heartbeat_interval_seconds FLOAT,
    status VARCHAR(16) DEFAULT 'OFFLINE' NOT NULL,
    CONSTRAINT pk_worker PRIMARY KEY (id),
    CONSTRAINT uq_worker_work_pool_id_name UNIQUE (work_pool_id, name),
    CONSTRAINT fk_worker_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE CASCADE
);

CREATE TABLE block_schema (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    checksum VARCHAR(80) NOT NULL,
    fields JSONB DEFAULT '{}' NOT NULL,
    capabilities JSONB DEFAULT '[]' NOT NULL,
    version TEXT NOT NULL,
    block_type_id VARCHAR(36) NOT NULL,
    CONSTRAINT pk_block_schema PRIMARY KEY (id),
    CONSTRAINT uq_block_schema_checksum_version UNIQUE (checksum, version),
    CONSTRAINT fk_block_schema_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_schema_block_type_id ON block_schema (block_type_id);

CREATE TABLE artifact_collection (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    key TEXT NOT NULL,
    latest_id VARCHAR(36) NOT NULL,
    CONSTRAINT pk_artifact_collection PRIMARY KEY (id),
    CONSTRAINT uq_artifact_collection_key UNIQUE (key),
    CONSTRAINT fk_artifact_collection_latest_id FOREIGN KEY(latest_id) REFERENCES artifact (id) ON DELETE CASCADE
);

CREATE TABLE automation_related (
    automation_id VARCHAR(36) NOT NULL,
    resource_id TEXT NOT NULL,
    owned BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_automation_related PRIMARY KEY (automation_id, resource_id),
    CONSTRAINT fk_automation_related_automation_id FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);

CREATE INDEX ix_automation_related_resource_id ON automation_related (resource_id);

CREATE TABLE deployment (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    flow_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    version_info JSONB,
    description TEXT,
    paused BOOLEAN DEFAULT false NOT NULL,
    parameters JSONB DEFAULT '{}' NOT NULL,
    parameter_openapi_schema JSONB,
    enforce_parameter_schema BOOLEAN DEFAULT true NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}' NOT NULL,
    entrypoint TEXT,
    path TEXT,
    manifest_path TEXT,
    pull_steps JSONB,
    job_variables JSONB DEFAULT '{}' NOT NULL,
    storage_document_id VARCHAR(36),
    infrastructure_document_id VARCHAR(36),
    work_queue_id VARCHAR(36),
    work_queue_name TEXT,
    concurrency_limit BIGINT,
    global_concurrency_limit_id VARCHAR(36),
    concurrency_options JSONB,
    status VARCHAR(16) DEFAULT 'NOT_READY' NOT NULL,
    last_polled BIGINT,
    created_by JSONB,
    updated_by JSONB,
    CONSTRAINT pk_deployment PRIMARY KEY (id),
    CONSTRAINT uq_deployment_flow_id_name UNIQUE (flow_id, name),
    CONSTRAINT fk_deployment_flow_id FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    CONSTRAINT fk_deployment_work_queue_id FOREIGN KEY(work_queue_id) REFERENCES work_queue (id) ON DELETE SET NULL
);

CREATE INDEX ix_deployment_updated ON deployment (updated);

CREATE INDEX ix_deployment_work_queue_id ON deployment (work_queue_id);

CREATE TABLE session (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    secret_hash VARCHAR(64) NOT NULL,
    kind VARCHAR(8) NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    work_pool_id VARCHAR(36),
    work_queues JSONB DEFAULT '[]' NOT NULL,
    deployments JSONB DEFAULT '[]' NOT NULL,
    slots BIGINT DEFAULT '1' NOT NULL,
    heartbeat_us BIGINT DEFAULT '10000000' NOT NULL,
    lease_us BIGINT DEFAULT '60000000' NOT NULL,
    worker_id VARCHAR(36),
    status VARCHAR(12) DEFAULT 'open' NOT NULL,
    superseded_by VARCHAR(36),
    last_seen BIGINT NOT NULL,
    claim BIGINT DEFAULT '0' NOT NULL,
    drain BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_session PRIMARY KEY (id),
    CONSTRAINT fk_session_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE SET NULL,
    CONSTRAINT fk_session_worker_id FOREIGN KEY(worker_id) REFERENCES worker (id) ON DELETE SET NULL
);

CREATE INDEX ix_session_open ON session (work_pool_id) WHERE status = 'open';

CREATE INDEX ix_session_last_seen ON session (last_seen);

CREATE TABLE block_document (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    data JSONB DEFAULT '{}' NOT NULL,
    secrets TEXT,
    is_anonymous BOOLEAN DEFAULT false NOT NULL,
    block_type_id VARCHAR(36) NOT NULL,
    block_schema_id VARCHAR(36) NOT NULL,
    CONSTRAINT pk_block_document PRIMARY KEY (id),
    CONSTRAINT uq_block_document_block_type_id_name UNIQUE (block_type_id, name),
    CONSTRAINT fk_block_document_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_document_block_schema_id FOREIGN KEY(block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE
);

CREATE TABLE deployment_schedule (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    deployment_id VARCHAR(36) NOT NULL,
    schedule JSONB DEFAULT '{}' NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    max_scheduled_runs BIGINT,
    parameters JSONB DEFAULT '{}' NOT NULL,
    slug TEXT,
    catchup JSONB,
    scheduled_until BIGINT,
    scheduled_at BIGINT,
    look_at BIGINT,
    CONSTRAINT pk_deployment_schedule PRIMARY KEY (id),
    CONSTRAINT fk_deployment_schedule_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);

CREATE INDEX ix_deployment_schedule_deployment_id ON deployment_schedule (deployment_id);

CREATE TABLE flow_run (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    flow_id VARCHAR(36) NOT NULL,
    deployment_id VARCHAR(36),
    work_pool_id VARCHAR(36),
    work_queue_id VARCHAR(36),
    work_queue_name TEXT,
    deployment_version TEXT,
    flow_version TEXT,
    parameters JSONB DEFAULT '{}' NOT NULL,
    context JSONB DEFAULT '{}' NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}' NOT NULL,
    job_variables JSONB,
    empirical_policy JSONB DEFAULT '{}' NOT NULL,
    idempotency_key TEXT,
    parent_task_run_id VARCHAR(36),
    auto_scheduled BOOLEAN DEFAULT false NOT NULL,
    infrastructure_document_id VARCHAR(36),
    infrastructure_pid TEXT,
    created_by JSONB,
    state_id VARCHAR(36),
    state_type VARCHAR(16),
    state_name TEXT,
    state_timestamp BIGINT,
    run_count BIGINT DEFAULT '0' NOT NULL,
    attempt BIGINT DEFAULT '0' NOT NULL,
    interruptions BIGINT DEFAULT '0' NOT NULL,
    expected_start_time BIGINT,
    next_scheduled_start_time BIGINT,
    start_time BIGINT,
    end_time BIGINT,
    total_run_time BIGINT DEFAULT '0' NOT NULL,
    in_process BOOLEAN DEFAULT false NOT NULL,
    usage JSONB,
    CONSTRAINT pk_flow_run PRIMARY KEY (id),
    CONSTRAINT fk_flow_run_flow_id FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE,
    CONSTRAINT fk_flow_run_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE SET NULL
);

CREATE INDEX ix_flow_run_parent ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;

CREATE INDEX ix_flow_run_deployment_id ON flow_run (deployment_id, expected_start_time);

CREATE INDEX ix_flow_run_served ON flow_run (deployment_id, next_scheduled_start_time) WHERE state_type = 'SCHEDULED';

CREATE UNIQUE INDEX uq_flow_run_idempotency ON flow_run (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE INDEX ix_flow_run_queue_due ON flow_run (work_queue_id, next_scheduled_start_time) WHERE state_type = 'SCHEDULED' AND in_process = false;

CREATE INDEX ix_flow_run_name ON flow_run (name);

CREATE INDEX ix_flow_run_active_deployment ON flow_run (deployment_id) WHERE state_type IN ('PENDING', 'RUNNING', 'CANCELLING');

CREATE INDEX ix_flow_run_state ON flow_run (state_type, expected_start_time);

CREATE INDEX ix_flow_run_expected_start_time ON flow_run (expected_start_time);

CREATE INDEX ix_flow_run_due ON flow_run (next_scheduled_start_time) WHERE state_type = 'SCHEDULED' AND state_name = 'Scheduled';

CREATE INDEX ix_flow_run_begun ON flow_run (coalesce(start_time, expected_start_time));

CREATE INDEX ix_flow_run_lane ON flow_run (work_queue_id, deployment_id, next_scheduled_start_time) WHERE state_type = 'SCHEDULED' AND in_process = false;

CREATE INDEX ix_flow_run_flow_id ON flow_run (flow_id, expected_start_time);

CREATE INDEX ix_flow_run_paused ON flow_run (state_timestamp) WHERE state_type IN ('PAUSED', 'CANCELLING');

CREATE INDEX ix_flow_run_end_time ON flow_run (end_time);

CREATE INDEX ix_flow_run_active_queue ON flow_run (work_queue_id, state_type) WHERE state_type IN ('PENDING', 'RUNNING', 'CANCELLING');

CREATE TABLE block_document_reference (
    parent_id VARCHAR(36) NOT NULL,
    name TEXT NOT NULL,
    reference_id VARCHAR(36) NOT NULL,
    CONSTRAINT pk_block_document_reference PRIMARY KEY (parent_id, name),
    CONSTRAINT fk_block_document_reference_parent_id FOREIGN KEY(parent_id) REFERENCES block_document (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_document_reference_reference_id FOREIGN KEY(reference_id) REFERENCES block_document (id) ON DELETE CASCADE
);

CREATE TABLE flow_run_state (
    id VARCHAR(36) NOT NULL,
    flow_run_id VARCHAR(36) NOT NULL,
    timestamp BIGINT NOT NULL,
    type VARCHAR(16) NOT NULL,
    name TEXT NOT NULL,
    message TEXT,
    state_details JSONB DEFAULT '{}' NOT NULL,
    data JSONB,
    attempt BIGINT DEFAULT '0' NOT NULL,
    announced BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_flow_run_state PRIMARY KEY (id),
    CONSTRAINT uq_flow_run_state_flow_run_id_timestamp UNIQUE (flow_run_id, timestamp),
    CONSTRAINT fk_flow_run_state_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_run_state_outbox ON flow_run_state (timestamp) WHERE NOT announced;

CREATE TABLE flow_run_input (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    flow_run_id VARCHAR(36) NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    sender TEXT,
    CONSTRAINT pk_flow_run_input PRIMARY KEY (id),
    CONSTRAINT uq_flow_run_input_flow_run_id_key UNIQUE (flow_run_id, key),
    CONSTRAINT fk_flow_run_input_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE TABLE task_run (
    id VARCHAR(36) NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    name TEXT NOT NULL,
    flow_run_id VARCHAR(36),
    task_key TEXT NOT NULL,
    dynamic_key TEXT NOT NULL,
    task_version TEXT,
    cache_key TEXT,
    cache_expiration BIGINT,
    empirical_policy JSONB DEFAULT '{}' NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}' NOT NULL,
    task_inputs JSONB DEFAULT '{}' NOT NULL,
    state_id VARCHAR(36),
    state_type VARCHAR(16),
    state_name TEXT,
    state_timestamp BIGINT,
    run_count BIGINT DEFAULT '0' NOT NULL,
    flow_run_run_count BIGINT DEFAULT '0' NOT NULL,
    expected_start_time BIGINT,
    next_scheduled_start_time BIGINT,
    start_time BIGINT,
    end_time BIGINT,
    total_run_time BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_task_run PRIMARY KEY (id),
    CONSTRAINT uq_task_run_flow_run_id_task_key_dynamic_key UNIQUE (flow_run_id, task_key, dynamic_key),
    CONSTRAINT fk_task_run_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_expected_start_time ON task_run (expected_start_time);

CREATE INDEX ix_task_run_cache_key ON task_run (cache_key) WHERE cache_key IS NOT NULL;

CREATE TABLE lease (
    flow_run_id VARCHAR(36) NOT NULL,
    attempt BIGINT NOT NULL,
    session_id VARCHAR(36) NOT NULL,
    claim BIGINT DEFAULT '0' NOT NULL,
    deployment_id VARCHAR(36),
    claimed_at BIGINT NOT NULL,
    due BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    provisional_until BIGINT,
    crash_policy VARCHAR(8) DEFAULT 'crash' NOT NULL,
    max_interruptions BIGINT DEFAULT '3' NOT NULL,
    mark_channel BIGINT DEFAULT '0' NOT NULL,
    mark_stdout BIGINT DEFAULT '0' NOT NULL,
    mark_stderr BIGINT DEFAULT '0' NOT NULL,
    mark_daemon BIGINT DEFAULT '0' NOT NULL,
    mark_state BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_lease PRIMARY KEY (flow_run_id, attempt),
    CONSTRAINT fk_lease_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_lease_provisional ON lease (provisional_until) WHERE provisional_until IS NOT NULL;

CREATE INDEX ix_lease_live ON lease (session_id) WHERE ended_at IS NULL;

CREATE TABLE task_run_state (
    id VARCHAR(36) NOT NULL,
    task_run_id VARCHAR(36) NOT NULL,
    timestamp BIGINT NOT NULL,
    type VARCHAR(16) NOT NULL,
    name TEXT NOT NULL,
    message TEXT,
    state_details JSONB DEFAULT '{}' NOT NULL,
    data JSONB,
    CONSTRAINT pk_task_run_state PRIMARY KEY (id),
    CONSTRAINT fk_task_run_state_task_run_id FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_state_task_run_id ON task_run_state (task_run_id, timestamp);
