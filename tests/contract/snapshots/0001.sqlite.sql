BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE artifact (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	"key" TEXT, 
	type TEXT, 
	description TEXT, 
	data TEXT, 
	metadata_ TEXT, 
	flow_run_id VARCHAR(36), 
	task_run_id VARCHAR(36), 
	CONSTRAINT pk_artifact PRIMARY KEY (id)
);
INSERT INTO "artifact" VALUES('01a200a1-18a4-7aef-bf1e-994dc74cb9f0',1795306887332348,1795306887332348,'a-key','table',NULL,'{"rows":[1,2]}',NULL,'01a200a1-17c0-76c6-a214-460765c619fe',NULL);
CREATE TABLE artifact_collection (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	"key" TEXT NOT NULL, 
	latest_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_artifact_collection PRIMARY KEY (id), 
	CONSTRAINT uq_artifact_collection_key UNIQUE ("key"), 
	CONSTRAINT fk_artifact_collection_latest_id FOREIGN KEY(latest_id) REFERENCES artifact (id) ON DELETE CASCADE
);
INSERT INTO "artifact_collection" VALUES('c4d850b0-06f0-4745-b015-ce57fd4d7310',1795306887332348,1795306887332348,'a-key','01a200a1-18a4-7aef-bf1e-994dc74cb9f0');
CREATE TABLE automation (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	enabled BOOLEAN DEFAULT true NOT NULL, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	"trigger" TEXT DEFAULT '{}' NOT NULL, 
	actions TEXT DEFAULT '[]' NOT NULL, 
	actions_on_trigger TEXT DEFAULT '[]' NOT NULL, 
	actions_on_resolve TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_automation PRIMARY KEY (id)
);
INSERT INTO "automation" VALUES('1fe5e154-e941-4f40-826f-d18dcf7e6fde',1795306887476542,1795306887476542,'again','',1,'[]','{"type":"event","id":"c2f3c4c7-b740-4bfd-a24b-5c09f4a0f0e2","match":{},"match_related":{},"after":[],"expect":["prefect.flow-run.Failed"],"for_each":[],"posture":"Reactive","threshold":1,"within":0.0}','[{"type":"run-deployment","source":"selected","deployment_id":"0b57bf03-18e1-4f9d-b19f-d5a535d521e2","parameters":{},"job_variables":null,"schedule_after":0.0}]','[]','[]');
CREATE TABLE automation_related (
	automation_id VARCHAR(36) NOT NULL, 
	resource_id TEXT NOT NULL, 
	owned BOOLEAN DEFAULT false NOT NULL, 
	CONSTRAINT pk_automation_related PRIMARY KEY (automation_id, resource_id), 
	CONSTRAINT fk_automation_related_automation_id FOREIGN KEY(automation_id) REFERENCES automation (id) ON DELETE CASCADE
);
INSERT INTO "automation_related" VALUES('1fe5e154-e941-4f40-826f-d18dcf7e6fde','prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2',0);
CREATE TABLE block_document (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	data TEXT DEFAULT '{}' NOT NULL, 
	secrets TEXT, 
	is_anonymous BOOLEAN DEFAULT false NOT NULL, 
	block_type_id VARCHAR(36) NOT NULL, 
	block_schema_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_block_document PRIMARY KEY (id), 
	CONSTRAINT uq_block_document_block_type_id_name UNIQUE (block_type_id, name), 
	CONSTRAINT fk_block_document_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE, 
	CONSTRAINT fk_block_document_block_schema_id FOREIGN KEY(block_schema_id) REFERENCES block_schema (id) ON DELETE CASCADE
);
INSERT INTO "block_document" VALUES('cfd23334-f631-480c-9c0e-fb70798f324f',1795306887652466,1795306887652466,'s','{"value":"********"}','gAAAAABrAjWH3UwDegAzorivh8tWAZgniRL9RS53A0bGNeaci-mu2IuWzpEXkqqKaXd6JH_vplIGS97MO9i5csxL9QVV-Rwsvw==',0,'4a7533e7-6b1a-4fa5-b2c5-06fd4da0b2ce','17bb10a3-99f3-484b-951b-8d4298c198e6');
CREATE TABLE block_document_reference (
	parent_id VARCHAR(36) NOT NULL, 
	name TEXT NOT NULL, 
	reference_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_block_document_reference PRIMARY KEY (parent_id, name), 
	CONSTRAINT fk_block_document_reference_parent_id FOREIGN KEY(parent_id) REFERENCES block_document (id) ON DELETE CASCADE, 
	CONSTRAINT fk_block_document_reference_reference_id FOREIGN KEY(reference_id) REFERENCES block_document (id) ON DELETE CASCADE
);
CREATE TABLE block_schema (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	checksum VARCHAR(80) NOT NULL, 
	fields TEXT DEFAULT '{}' NOT NULL, 
	capabilities TEXT DEFAULT '[]' NOT NULL, 
	version TEXT NOT NULL, 
	block_type_id VARCHAR(36) NOT NULL, 
	CONSTRAINT pk_block_schema PRIMARY KEY (id), 
	CONSTRAINT uq_block_schema_checksum_version UNIQUE (checksum, version), 
	CONSTRAINT fk_block_schema_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_type (id) ON DELETE CASCADE
);
INSERT INTO "block_schema" VALUES('17bb10a3-99f3-484b-951b-8d4298c198e6',1795306887584423,1795306887584423,'sha256:d1e4f1f3ff156b19dcc95a1627f308e21af9d6587ee82307281634186dec9804','{"title":"S","type":"object","properties":{"value":{"type":"string"}},"secret_fields":["value"]}','[]','non-versioned','4a7533e7-6b1a-4fa5-b2c5-06fd4da0b2ce');
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
INSERT INTO "block_type" VALUES('4a7533e7-6b1a-4fa5-b2c5-06fd4da0b2ce',1795306886232535,1795306886232535,'Secret','secret',NULL,NULL,'A value that is kept encrypted and never shown.',NULL,0);
INSERT INTO "block_type" VALUES('44e8b56e-09e5-4d9a-b36d-7eee671e16e3',1795306886232535,1795306886232535,'Local File System','local-file-system',NULL,NULL,'A folder of the machine that uses it.',NULL,0);
INSERT INTO "block_type" VALUES('4d6c23d5-b344-4718-a3d9-30b80ba9a53d',1795306886232535,1795306886232535,'Webhook','webhook',NULL,NULL,'An address that is called.',NULL,0);
INSERT INTO "block_type" VALUES('08082acf-54ec-4899-bd5d-e57986344dc8',1795306886232535,1795306886232535,'Slack Webhook','slack-webhook',NULL,NULL,'A Slack channel that is written to.',NULL,0);
CREATE TABLE concurrency_lease (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	slots BIGINT NOT NULL, 
	limit_ids TEXT DEFAULT '[]' NOT NULL, 
	holder_type VARCHAR(16), 
	holder_id VARCHAR(36), 
	CONSTRAINT pk_concurrency_lease PRIMARY KEY (id)
);
INSERT INTO "concurrency_lease" VALUES('e0c097b2-cad6-4796-8119-2a3233fe2be2',1795306887432480,1795307187432480,1,'["703a28d3-6a0f-4c4c-b212-8c3d906f3601"]',NULL,NULL);
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
INSERT INTO "concurrency_limit" VALUES('b5200f71-f188-40f6-9014-a1d0d359141d',1795306886873204,1795306886873204,1,'deployment:0b57bf03-18e1-4f9d-b19f-d5a535d521e2',2,0,0,0.0,2.0);
INSERT INTO "concurrency_limit" VALUES('703a28d3-6a0f-4c4c-b212-8c3d906f3601',1795306887400610,1795306887432480,1,'slots',4,1,0,0.5,2.0);
CREATE TABLE deployment (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	flow_id VARCHAR(36) NOT NULL, 
	name TEXT NOT NULL, 
	version TEXT, 
	version_info TEXT, 
	description TEXT, 
	paused BOOLEAN DEFAULT false NOT NULL, 
	parameters TEXT DEFAULT '{}' NOT NULL, 
	parameter_openapi_schema TEXT, 
	enforce_parameter_schema BOOLEAN DEFAULT true NOT NULL, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	labels TEXT DEFAULT '{}' NOT NULL, 
	entrypoint TEXT, 
	path TEXT, 
	manifest_path TEXT, 
	pull_steps TEXT, 
	job_variables TEXT DEFAULT '{}' NOT NULL, 
	storage_document_id VARCHAR(36), 
	infrastructure_document_id VARCHAR(36), 
	work_queue_id VARCHAR(36), 
	work_queue_name TEXT, 
	concurrency_limit BIGINT, 
	global_concurrency_limit_id VARCHAR(36), 
	concurrency_options TEXT, 
	status VARCHAR(16) DEFAULT 'NOT_READY' NOT NULL, 
	last_polled BIGINT, 
	created_by TEXT, 
	updated_by TEXT, 
	CONSTRAINT pk_deployment PRIMARY KEY (id), 
	CONSTRAINT uq_deployment_flow_id_name UNIQUE (flow_id, name), 
	CONSTRAINT fk_deployment_flow_id FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE, 
	CONSTRAINT fk_deployment_work_queue_id FOREIGN KEY(work_queue_id) REFERENCES work_queue (id) ON DELETE SET NULL
);
INSERT INTO "deployment" VALUES('0b57bf03-18e1-4f9d-b19f-d5a535d521e2',1795306886873204,1795306886873204,'9877421a-3a09-435f-97ec-32658ff9f4ce','deployment-3',NULL,NULL,NULL,0,'{"n":1.0}',NULL,1,'[]','{"team":"x","prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce"}',NULL,NULL,NULL,NULL,'{}',NULL,NULL,'ac1a0f28-af69-4801-ab9a-1cbdb83713ed','default',2,'b5200f71-f188-40f6-9014-a1d0d359141d',NULL,'READY',1795306887191698,NULL,NULL);
CREATE TABLE deployment_schedule (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	deployment_id VARCHAR(36) NOT NULL, 
	schedule TEXT DEFAULT '{}' NOT NULL, 
	active BOOLEAN DEFAULT true NOT NULL, 
	max_scheduled_runs BIGINT, 
	parameters TEXT DEFAULT '{}' NOT NULL, 
	slug TEXT, 
	catchup TEXT, 
	scheduled_until BIGINT, 
	scheduled_at BIGINT, 
	look_at BIGINT, 
	CONSTRAINT pk_deployment_schedule PRIMARY KEY (id), 
	CONSTRAINT fk_deployment_schedule_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE CASCADE
);
INSERT INTO "deployment_schedule" VALUES('a4e3954c-2f89-44d5-9f0a-ded2837f4976',1795306886873204,1795306886873204,'0b57bf03-18e1-4f9d-b19f-d5a535d521e2','{"interval":3600.0,"anchor_date":"2026-11-22T00:21:26.884659Z","timezone":"UTC"}',1,NULL,'{"a":1}',NULL,NULL,1795317686884659,1795306886961915,1795310486884660);
CREATE TABLE event (
	cursor INTEGER NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	occurred BIGINT NOT NULL, 
	received BIGINT NOT NULL, 
	event TEXT NOT NULL, 
	resource_id TEXT NOT NULL, 
	follows VARCHAR(36), 
	resource TEXT DEFAULT '{}' NOT NULL, 
	related TEXT DEFAULT '[]' NOT NULL, 
	payload TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_event PRIMARY KEY (cursor), 
	CONSTRAINT uq_event_id UNIQUE (id)
);
INSERT INTO "event" VALUES(1,'01a200a1-16f3-7ec1-9857-8bf39e869a7e',1795306886873204,1795306886873204,'prefect.deployment.created','prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2',NULL,'{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.name":"deployment-3"}','[]','{}');
INSERT INTO "event" VALUES(2,'01a200a1-1715-7a24-b1ae-1b9fab6d41d7',1795306886928566,1795306887016393,'prefect.flow-run.Scheduled','prefect.flow-run.01a200a1-1715-79e2-9b2f-8cc3ed115d73',NULL,'{"prefect.resource.id":"prefect.flow-run.01a200a1-1715-79e2-9b2f-8cc3ed115d73","prefect.resource.name":"sleek-parrot","prefect.run-count":"1","prefect.state-message":"","prefect.state-name":"Scheduled","prefect.state-timestamp":"2026-11-22T00:21:26.928566+00:00","prefect.state-type":"SCHEDULED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":null,"to":"SCHEDULED"},"initial_state":null,"validated_state":{"type":"SCHEDULED","name":"Scheduled"}}');
INSERT INTO "event" VALUES(3,'01a200a1-1734-70e8-860c-600d27e4f80d',1795306886961915,1795306887016393,'prefect.flow-run.Scheduled','prefect.flow-run.01a200a1-1734-70ae-a568-0db866036c05',NULL,'{"prefect.resource.id":"prefect.flow-run.01a200a1-1734-70ae-a568-0db866036c05","prefect.resource.name":"rustic-kiwi","prefect.run-count":"0","prefect.state-message":"Flow run scheduled","prefect.state-name":"Scheduled","prefect.state-timestamp":"2026-11-22T00:21:26.961915+00:00","prefect.state-type":"SCHEDULED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"},{"prefect.resource.id":"prefect.tag.auto-scheduled","prefect.resource.role":"tag"}]','{"intended":{"from":null,"to":"SCHEDULED"},"initial_state":null,"validated_state":{"type":"SCHEDULED","name":"Scheduled","message":"Flow run scheduled"}}');
INSERT INTO "event" VALUES(4,'01a200a1-1734-726f-9aa3-d12325cbeb61',1795306886961915,1795306887016393,'prefect.flow-run.Scheduled','prefect.flow-run.01a200a1-1734-7261-8ec7-76f18c6f1ee7',NULL,'{"prefect.resource.id":"prefect.flow-run.01a200a1-1734-7261-8ec7-76f18c6f1ee7","prefect.resource.name":"quiet-impala","prefect.run-count":"0","prefect.state-message":"Flow run scheduled","prefect.state-name":"Scheduled","prefect.state-timestamp":"2026-11-22T00:21:26.961915+00:00","prefect.state-type":"SCHEDULED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"},{"prefect.resource.id":"prefect.tag.auto-scheduled","prefect.resource.role":"tag"}]','{"intended":{"from":null,"to":"SCHEDULED"},"initial_state":null,"validated_state":{"type":"SCHEDULED","name":"Scheduled","message":"Flow run scheduled"}}');
INSERT INTO "event" VALUES(5,'01a200a1-1734-7309-934d-8df0328829bb',1795306886961915,1795306887016393,'prefect.flow-run.Scheduled','prefect.flow-run.01a200a1-1734-72f5-9529-5a510d54aa6c',NULL,'{"prefect.resource.id":"prefect.flow-run.01a200a1-1734-72f5-9529-5a510d54aa6c","prefect.resource.name":"robust-camel","prefect.run-count":"0","prefect.state-message":"Flow run scheduled","prefect.state-name":"Scheduled","prefect.state-timestamp":"2026-11-22T00:21:26.961915+00:00","prefect.state-type":"SCHEDULED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"},{"prefect.resource.id":"prefect.tag.auto-scheduled","prefect.resource.role":"tag"}]','{"intended":{"from":null,"to":"SCHEDULED"},"initial_state":null,"validated_state":{"type":"SCHEDULED","name":"Scheduled","message":"Flow run scheduled"}}');
INSERT INTO "event" VALUES(6,'01a200a1-174d-7189-80da-93ac0e11d15a',1795306886980162,1795306887016393,'prefect.flow-run.Running','prefect.flow-run.01a200a1-1715-79e2-9b2f-8cc3ed115d73','01a200a1-1715-7a24-b1ae-1b9fab6d41d7','{"prefect.resource.id":"prefect.flow-run.01a200a1-1715-79e2-9b2f-8cc3ed115d73","prefect.resource.name":"sleek-parrot","prefect.run-count":"1","prefect.state-message":"","prefect.state-name":"Running","prefect.state-timestamp":"2026-11-22T00:21:26.980162+00:00","prefect.state-type":"RUNNING"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":"SCHEDULED","to":"RUNNING"},"initial_state":{"type":"SCHEDULED","name":"Scheduled"},"validated_state":{"type":"RUNNING","name":"Running"}}');
INSERT INTO "event" VALUES(7,'01a200a1-175d-797b-add0-96d4d5df6721',1795306887004931,1795306887016393,'prefect.flow-run.Completed','prefect.flow-run.01a200a1-1715-79e2-9b2f-8cc3ed115d73','01a200a1-174d-7189-80da-93ac0e11d15a','{"prefect.resource.id":"prefect.flow-run.01a200a1-1715-79e2-9b2f-8cc3ed115d73","prefect.resource.name":"sleek-parrot","prefect.run-count":"1","prefect.state-message":"","prefect.state-name":"Completed","prefect.state-timestamp":"2026-11-22T00:21:27.004931+00:00","prefect.state-type":"COMPLETED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":"RUNNING","to":"COMPLETED"},"initial_state":{"type":"RUNNING","name":"Running"},"validated_state":{"type":"COMPLETED","name":"Completed"}}');
INSERT INTO "event" VALUES(8,'01a200a1-178c-78ef-b3b4-f0bba47b16fc',1795306887028364,1795306887117988,'prefect.flow-run.Scheduled','prefect.flow-run.01a200a1-178c-78a2-9716-45ea9e7bcd2f',NULL,'{"prefect.resource.id":"prefect.flow-run.01a200a1-178c-78a2-9716-45ea9e7bcd2f","prefect.resource.name":"mild-panther","prefect.run-count":"1","prefect.state-message":"","prefect.state-name":"Scheduled","prefect.state-timestamp":"2026-11-22T00:21:27.028364+00:00","prefect.state-type":"SCHEDULED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":null,"to":"SCHEDULED"},"initial_state":null,"validated_state":{"type":"SCHEDULED","name":"Scheduled"}}');
INSERT INTO "event" VALUES(9,'01a200a1-17a2-70b5-bbbe-3ed66d3c3fc8',1795306887073086,1795306887117988,'prefect.flow-run.Running','prefect.flow-run.01a200a1-178c-78a2-9716-45ea9e7bcd2f','01a200a1-178c-78ef-b3b4-f0bba47b16fc','{"prefect.resource.id":"prefect.flow-run.01a200a1-178c-78a2-9716-45ea9e7bcd2f","prefect.resource.name":"mild-panther","prefect.run-count":"1","prefect.state-message":"","prefect.state-name":"Running","prefect.state-timestamp":"2026-11-22T00:21:27.073086+00:00","prefect.state-type":"RUNNING"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":"SCHEDULED","to":"RUNNING"},"initial_state":{"type":"SCHEDULED","name":"Scheduled"},"validated_state":{"type":"RUNNING","name":"Running"}}');
INSERT INTO "event" VALUES(10,'01a200a1-17b2-731a-bfe6-10a67ceba15b',1795306887089490,1795306887117988,'prefect.flow-run.Failed','prefect.flow-run.01a200a1-178c-78a2-9716-45ea9e7bcd2f','01a200a1-17a2-70b5-bbbe-3ed66d3c3fc8','{"prefect.resource.id":"prefect.flow-run.01a200a1-178c-78a2-9716-45ea9e7bcd2f","prefect.resource.name":"mild-panther","prefect.run-count":"1","prefect.state-message":"","prefect.state-name":"Failed","prefect.state-timestamp":"2026-11-22T00:21:27.089490+00:00","prefect.state-type":"FAILED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":"RUNNING","to":"FAILED"},"initial_state":{"type":"RUNNING","name":"Running"},"validated_state":{"type":"FAILED","name":"Failed"}}');
INSERT INTO "event" VALUES(11,'01a200a1-17c0-770b-a09f-0a5516926c68',1795306887103638,1795306887117988,'prefect.flow-run.Scheduled','prefect.flow-run.01a200a1-17c0-76c6-a214-460765c619fe',NULL,'{"prefect.resource.id":"prefect.flow-run.01a200a1-17c0-76c6-a214-460765c619fe","prefect.resource.name":"jovial-pelican","prefect.run-count":"0","prefect.state-message":"","prefect.state-name":"Scheduled","prefect.state-timestamp":"2026-11-22T00:21:27.103638+00:00","prefect.state-type":"SCHEDULED"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":null,"to":"SCHEDULED"},"initial_state":null,"validated_state":{"type":"SCHEDULED","name":"Scheduled"}}');
INSERT INTO "event" VALUES(12,'01a200a1-17ec-77c1-85de-f521dd462f4e',1795306887131951,1795306887131951,'prefect.worker.online','prefect.worker.4211f3eb-62bb-4563-ad16-fb8ed57adc61',NULL,'{"prefect.resource.id":"prefect.worker.4211f3eb-62bb-4563-ad16-fb8ed57adc61","prefect.resource.name":"w"}','[]','{}');
INSERT INTO "event" VALUES(13,'01a200a1-17ed-7925-abb5-4b0c27749c14',1795306887131951,1795306887131951,'prefect.work-pool.ready','prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3',NULL,'{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.name":"pool-1"}','[]','{}');
INSERT INTO "event" VALUES(14,'01a200a1-183f-7fdc-abff-dcdfee9b53a6',1795306887191698,1795306887191698,'prefect.work-queue.ready','prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed',NULL,'{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.name":"default"}','[]','{}');
INSERT INTO "event" VALUES(15,'01a200a1-1840-73a9-b4a1-30157c4361e2',1795306887191698,1795306887191698,'prefect.work-queue.ready','prefect.work-queue.7ac487bf-0836-4707-9d20-48061da0a69e',NULL,'{"prefect.resource.id":"prefect.work-queue.7ac487bf-0836-4707-9d20-48061da0a69e","prefect.resource.name":"second"}','[]','{}');
INSERT INTO "event" VALUES(16,'01a200a1-1841-7cd0-ac09-d391e0515d95',1795306887191698,1795306887191698,'prefect.deployment.ready','prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2',NULL,'{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.name":"deployment-3"}','[]','{}');
INSERT INTO "event" VALUES(17,'01a200a1-184a-737e-86f3-6bd9aca4b62d',1795306887191698,1795306887319734,'prefect.flow-run.Pending','prefect.flow-run.01a200a1-17c0-76c6-a214-460765c619fe','01a200a1-17c0-770b-a09f-0a5516926c68','{"prefect.resource.id":"prefect.flow-run.01a200a1-17c0-76c6-a214-460765c619fe","prefect.resource.name":"jovial-pelican","prefect.run-count":"0","prefect.state-message":"","prefect.state-name":"Pending","prefect.state-timestamp":"2026-11-22T00:21:27.191698+00:00","prefect.state-type":"PENDING"}','[{"prefect.resource.id":"prefect.flow.9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.resource.role":"flow","prefect.resource.name":"flow-2"},{"prefect.resource.id":"prefect.deployment.0b57bf03-18e1-4f9d-b19f-d5a535d521e2","prefect.resource.role":"deployment","prefect.resource.name":"deployment-3"},{"prefect.resource.id":"prefect.work-queue.ac1a0f28-af69-4801-ab9a-1cbdb83713ed","prefect.resource.role":"work-queue","prefect.resource.name":"default"},{"prefect.resource.id":"prefect.work-pool.31561840-9ccc-485f-8647-5db03169a3c3","prefect.resource.role":"work-pool","prefect.resource.name":"pool-1","prefect.work-pool.type":"process"}]','{"intended":{"from":"SCHEDULED","to":"PENDING"},"initial_state":{"type":"SCHEDULED","name":"Scheduled"},"validated_state":{"type":"PENDING","name":"Pending"}}');
INSERT INTO "event" VALUES(18,'01a200a1-18a6-7a35-84d4-f4dacaee7303',1795306887332348,1795306887332348,'prefect.artifact.created','prefect.artifact.01a200a1-18a4-7aef-bf1e-994dc74cb9f0',NULL,'{"prefect.resource.id":"prefect.artifact.01a200a1-18a4-7aef-bf1e-994dc74cb9f0","prefect.artifact.type":"table","prefect.artifact.key":"a-key"}','[]','{}');
INSERT INTO "event" VALUES(19,'01a200a1-1939-74c5-bba3-280b79a47cce',1795306887476542,1795306887476542,'prefect.automation.created','prefect.automation.1fe5e154-e941-4f40-826f-d18dcf7e6fde',NULL,'{"prefect.resource.id":"prefect.automation.1fe5e154-e941-4f40-826f-d18dcf7e6fde","prefect.resource.name":"again"}','[]','{}');
CREATE TABLE flow (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	labels TEXT DEFAULT '{}' NOT NULL, 
	CONSTRAINT pk_flow PRIMARY KEY (id), 
	CONSTRAINT uq_flow_name UNIQUE (name)
);
INSERT INTO "flow" VALUES('9877421a-3a09-435f-97ec-32658ff9f4ce',1795306886829339,1795306886829339,'flow-2','["a"]','{"team":"x"}');
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
	parameters TEXT DEFAULT '{}' NOT NULL, 
	context TEXT DEFAULT '{}' NOT NULL, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	labels TEXT DEFAULT '{}' NOT NULL, 
	job_variables TEXT, 
	empirical_policy TEXT DEFAULT '{}' NOT NULL, 
	idempotency_key TEXT, 
	parent_task_run_id VARCHAR(36), 
	auto_scheduled BOOLEAN DEFAULT false NOT NULL, 
	infrastructure_document_id VARCHAR(36), 
	infrastructure_pid TEXT, 
	created_by TEXT, 
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
	usage TEXT, 
	CONSTRAINT pk_flow_run PRIMARY KEY (id), 
	CONSTRAINT fk_flow_run_flow_id FOREIGN KEY(flow_id) REFERENCES flow (id) ON DELETE CASCADE, 
	CONSTRAINT fk_flow_run_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployment (id) ON DELETE SET NULL
);
INSERT INTO "flow_run" VALUES('01a200a1-1715-79e2-9b2f-8cc3ed115d73',1795306886928566,1795306887004931,'sleek-parrot','9877421a-3a09-435f-97ec-32658ff9f4ce','0b57bf03-18e1-4f9d-b19f-d5a535d521e2','31561840-9ccc-485f-8647-5db03169a3c3','ac1a0f28-af69-4801-ab9a-1cbdb83713ed','default',NULL,NULL,'{"n":1.0}','{}','[]','{"team":"x","prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.deployment.id":"0b57bf03-18e1-4f9d-b19f-d5a535d521e2"}',NULL,'{"max_retries":0,"retry_delay_seconds":0.0,"retries":null,"retry_delay":null,"pause_keys":[],"resuming":false,"retry_type":null}','COMPLETED',NULL,0,NULL,NULL,NULL,'01a200a1-175d-797b-add0-96d4d5df6721','COMPLETED','Completed',1795306887004931,1,0,0,1795306886928566,NULL,1795306886980162,1795306887004931,24769,0,NULL);
INSERT INTO "flow_run" VALUES('01a200a1-1734-70ae-a568-0db866036c05',1795306886961915,1795306886961915,'rustic-kiwi','9877421a-3a09-435f-97ec-32658ff9f4ce','0b57bf03-18e1-4f9d-b19f-d5a535d521e2','31561840-9ccc-485f-8647-5db03169a3c3','ac1a0f28-af69-4801-ab9a-1cbdb83713ed','default',NULL,NULL,'{"n":1.0,"a":1}','{}','["auto-scheduled"]','{"team":"x","prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.deployment.id":"0b57bf03-18e1-4f9d-b19f-d5a535d521e2"}',NULL,'{}','scheduled 0b57bf03-18e1-4f9d-b19f-d5a535d521e2 a4e3954c-2f89-44d5-9f0a-ded2837f4976 2026-11-22 01:21:26.884659+00:00',NULL,1,NULL,NULL,'{"id":"a4e3954c-2f89-44d5-9f0a-ded2837f4976","type":"SCHEDULE","display_value":"IntervalSchedule"}','01a200a1-1734-70e8-860c-600d27e4f80d','SCHEDULED','Scheduled',1795306886961915,0,0,0,1795310486884659,1795310486884659,NULL,NULL,0,0,NULL);
INSERT INTO "flow_run" VALUES('01a200a1-1734-7261-8ec7-76f18c6f1ee7',1795306886961915,1795306886961915,'quiet-impala','9877421a-3a09-435f-97ec-32658ff9f4ce','0b57bf03-18e1-4f9d-b19f-d5a535d521e2','31561840-9ccc-485f-8647-5db03169a3c3','ac1a0f28-af69-4801-ab9a-1cbdb83713ed','default',NULL,NULL,'{"n":1.0,"a":1}','{}','["auto-scheduled"]','{"team":"x","prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.deployment.id":"0b57bf03-18e1-4f9d-b19f-d5a535d521e2"}',NULL,'{}','scheduled 0b57bf03-18e1-4f9d-b19f-d5a535d521e2 a4e3954c-2f89-44d5-9f0a-ded2837f4976 2026-11-22 02:21:26.884659+00:00',NULL,1,NULL,NULL,'{"id":"a4e3954c-2f89-44d5-9f0a-ded2837f4976","type":"SCHEDULE","display_value":"IntervalSchedule"}','01a200a1-1734-726f-9aa3-d12325cbeb61','SCHEDULED','Scheduled',1795306886961915,0,0,0,1795314086884659,1795314086884659,NULL,NULL,0,0,NULL);
INSERT INTO "flow_run" VALUES('01a200a1-1734-72f5-9529-5a510d54aa6c',1795306886961915,1795306886961915,'robust-camel','9877421a-3a09-435f-97ec-32658ff9f4ce','0b57bf03-18e1-4f9d-b19f-d5a535d521e2','31561840-9ccc-485f-8647-5db03169a3c3','ac1a0f28-af69-4801-ab9a-1cbdb83713ed','default',NULL,NULL,'{"n":1.0,"a":1}','{}','["auto-scheduled"]','{"team":"x","prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.deployment.id":"0b57bf03-18e1-4f9d-b19f-d5a535d521e2"}',NULL,'{}','scheduled 0b57bf03-18e1-4f9d-b19f-d5a535d521e2 a4e3954c-2f89-44d5-9f0a-ded2837f4976 2026-11-22 03:21:26.884659+00:00',NULL,1,NULL,NULL,'{"id":"a4e3954c-2f89-44d5-9f0a-ded2837f4976","type":"SCHEDULE","display_value":"IntervalSchedule"}','01a200a1-1734-7309-934d-8df0328829bb','SCHEDULED','Scheduled',1795306886961915,0,0,0,1795317686884659,1795317686884659,NULL,NULL,0,0,NULL);
INSERT INTO "flow_run" VALUES('01a200a1-178c-78a2-9716-45ea9e7bcd2f',1795306887028364,1795306887089490,'mild-panther','9877421a-3a09-435f-97ec-32658ff9f4ce','0b57bf03-18e1-4f9d-b19f-d5a535d521e2','31561840-9ccc-485f-8647-5db03169a3c3','ac1a0f28-af69-4801-ab9a-1cbdb83713ed','default',NULL,NULL,'{"n":1.0}','{}','[]','{"team":"x","prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.deployment.id":"0b57bf03-18e1-4f9d-b19f-d5a535d521e2"}',NULL,'{"max_retries":0,"retry_delay_seconds":0.0,"retries":null,"retry_delay":null,"pause_keys":[],"resuming":false,"retry_type":null}','FAILED',NULL,0,NULL,NULL,NULL,'01a200a1-17b2-731a-bfe6-10a67ceba15b','FAILED','Failed',1795306887089490,1,0,0,1795306887028364,NULL,1795306887073086,1795306887089490,16404,0,NULL);
INSERT INTO "flow_run" VALUES('01a200a1-17c0-76c6-a214-460765c619fe',1795306887103638,1795306887191698,'jovial-pelican','9877421a-3a09-435f-97ec-32658ff9f4ce','0b57bf03-18e1-4f9d-b19f-d5a535d521e2','31561840-9ccc-485f-8647-5db03169a3c3','ac1a0f28-af69-4801-ab9a-1cbdb83713ed','default',NULL,NULL,'{"n":2,"text":"ünïcode"}','{}','[]','{"team":"x","prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.deployment.id":"0b57bf03-18e1-4f9d-b19f-d5a535d521e2"}',NULL,'{"max_retries":0,"retry_delay_seconds":0.0,"retries":null,"retry_delay":null,"pause_keys":[],"resuming":false,"retry_type":null}',NULL,NULL,0,NULL,NULL,NULL,'01a200a1-184a-737e-86f3-6bd9aca4b62d','PENDING','Pending',1795306887191698,0,1,0,1795306887103638,NULL,NULL,NULL,0,0,NULL);
CREATE TABLE flow_run_input (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	flow_run_id VARCHAR(36) NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	sender TEXT, 
	CONSTRAINT pk_flow_run_input PRIMARY KEY (id), 
	CONSTRAINT uq_flow_run_input_flow_run_id_key UNIQUE (flow_run_id, "key"), 
	CONSTRAINT fk_flow_run_input_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);
INSERT INTO "flow_run_input" VALUES('77d4db7d-8f93-4eaa-8c5f-88e4ac9a6fe1',1795306887536589,1795306887536589,'01a200a1-17c0-76c6-a214-460765c619fe','k','{"a": 1}',NULL);
CREATE TABLE flow_run_state (
	id VARCHAR(36) NOT NULL, 
	flow_run_id VARCHAR(36) NOT NULL, 
	timestamp BIGINT NOT NULL, 
	type VARCHAR(16) NOT NULL, 
	name TEXT NOT NULL, 
	message TEXT, 
	state_details TEXT DEFAULT '{}' NOT NULL, 
	data TEXT, 
	attempt BIGINT DEFAULT '0' NOT NULL, 
	announced BOOLEAN DEFAULT false NOT NULL, 
	CONSTRAINT pk_flow_run_state PRIMARY KEY (id), 
	CONSTRAINT uq_flow_run_state_flow_run_id_timestamp UNIQUE (flow_run_id, timestamp), 
	CONSTRAINT fk_flow_run_state_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_run (id) ON DELETE CASCADE
);
INSERT INTO "flow_run_state" VALUES('01a200a1-1715-7a24-b1ae-1b9fab6d41d7','01a200a1-1715-79e2-9b2f-8cc3ed115d73',1795306886928566,'SCHEDULED','Scheduled',NULL,'{"scheduled_time":"2026-11-22T00:21:26.928566Z"}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-1734-70e8-860c-600d27e4f80d','01a200a1-1734-70ae-a568-0db866036c05',1795306886961915,'SCHEDULED','Scheduled','Flow run scheduled','{"scheduled_time":"2026-11-22T01:21:26.884659Z"}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-1734-726f-9aa3-d12325cbeb61','01a200a1-1734-7261-8ec7-76f18c6f1ee7',1795306886961915,'SCHEDULED','Scheduled','Flow run scheduled','{"scheduled_time":"2026-11-22T02:21:26.884659Z"}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-1734-7309-934d-8df0328829bb','01a200a1-1734-72f5-9529-5a510d54aa6c',1795306886961915,'SCHEDULED','Scheduled','Flow run scheduled','{"scheduled_time":"2026-11-22T03:21:26.884659Z"}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-174d-7189-80da-93ac0e11d15a','01a200a1-1715-79e2-9b2f-8cc3ed115d73',1795306886980162,'RUNNING','Running',NULL,'{}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-175d-797b-add0-96d4d5df6721','01a200a1-1715-79e2-9b2f-8cc3ed115d73',1795306887004931,'COMPLETED','Completed',NULL,'{}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-178c-78ef-b3b4-f0bba47b16fc','01a200a1-178c-78a2-9716-45ea9e7bcd2f',1795306887028364,'SCHEDULED','Scheduled',NULL,'{"scheduled_time":"2026-11-22T00:21:27.028364Z"}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-17a2-70b5-bbbe-3ed66d3c3fc8','01a200a1-178c-78a2-9716-45ea9e7bcd2f',1795306887073086,'RUNNING','Running',NULL,'{}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-17b2-731a-bfe6-10a67ceba15b','01a200a1-178c-78a2-9716-45ea9e7bcd2f',1795306887089490,'FAILED','Failed',NULL,'{}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-17c0-770b-a09f-0a5516926c68','01a200a1-17c0-76c6-a214-460765c619fe',1795306887103638,'SCHEDULED','Scheduled',NULL,'{"scheduled_time":"2026-11-22T00:21:27.103638Z"}',NULL,0,1);
INSERT INTO "flow_run_state" VALUES('01a200a1-184a-737e-86f3-6bd9aca4b62d','01a200a1-17c0-76c6-a214-460765c619fe',1795306887191698,'PENDING','Pending',NULL,'{"scheduled_time":"2026-11-22T00:21:27.103638Z"}',NULL,1,1);
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
INSERT INTO "lease" VALUES('01a200a1-17c0-76c6-a214-460765c619fe',1,'08d63d33-431f-47a3-abf2-b720b1c607f6',1,'0b57bf03-18e1-4f9d-b19f-d5a535d521e2',1795306887191698,1795306887103638,1795306947191698,NULL,NULL,'crash',3,0,0,0,0,0);
CREATE TABLE log (
	cursor INTEGER NOT NULL, 
	flow_run_id VARCHAR(36), 
	task_run_id VARCHAR(36), 
	attempt BIGINT, 
	timestamp BIGINT NOT NULL, 
	level INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	message TEXT NOT NULL, 
	CONSTRAINT pk_log PRIMARY KEY (cursor)
);
INSERT INTO "log" VALUES(1,'01a200a1-17c0-76c6-a214-460765c619fe',NULL,NULL,1767225600000000,20,'x','a line');
INSERT INTO "log" VALUES(2,'01a200a1-17c0-76c6-a214-460765c619fe','01a200a1-1864-7225-adc6-74d98d47495d',NULL,1767225600000000,20,'x','a line');
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('server_id','82c690f0-244e-4960-a735-b44e5b5a673b');
INSERT INTO "meta" VALUES('scheduler_tick','1795306886931747');
INSERT INTO "meta" VALUES('reaper_tick','1795306887444535');
INSERT INTO "meta" VALUES('reaper_floor','1795306947444535');
CREATE TABLE saved_search (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	filters TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_saved_search PRIMARY KEY (id), 
	CONSTRAINT uq_saved_search_name UNIQUE (name)
);
INSERT INTO "saved_search" VALUES('32f5d431-00f7-44de-ad96-c1e84b381df5',1795306887502912,1795306887502912,'mine','[]');
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
	work_queues TEXT DEFAULT '[]' NOT NULL, 
	deployments TEXT DEFAULT '[]' NOT NULL, 
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
INSERT INTO "session" VALUES('08d63d33-431f-47a3-abf2-b720b1c607f6',1795306887131951,'43d1874734510863d61ce9a2f82bbd77068f04ebacccff5936c32d2423f64ef2','worker','w','','',0,'31561840-9ccc-485f-8647-5db03169a3c3','[]','[]',1,10000000,60000000,'4211f3eb-62bb-4563-ad16-fb8ed57adc61','open',NULL,1795306887191698,1,0);
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
	empirical_policy TEXT DEFAULT '{}' NOT NULL, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	labels TEXT DEFAULT '{}' NOT NULL, 
	task_inputs TEXT DEFAULT '{}' NOT NULL, 
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
INSERT INTO "task_run" VALUES('01a200a1-1864-7225-adc6-74d98d47495d',1795306887266345,1795306887266345,'t','01a200a1-17c0-76c6-a214-460765c619fe','t','0',NULL,NULL,NULL,'{"max_retries":0,"retry_delay_seconds":0.0,"retries":null,"retry_delay":null,"retry_jitter_factor":null}','[]','{"prefect.flow.id":"9877421a-3a09-435f-97ec-32658ff9f4ce","prefect.flow-run.id":"01a200a1-17c0-76c6-a214-460765c619fe"}','{}','01a200a1-1865-7df2-a94a-2a3f7411391b','RUNNING','Running',1795306887266345,1,0,1795306887266345,NULL,1795306887266345,NULL,0);
CREATE TABLE task_run_state (
	id VARCHAR(36) NOT NULL, 
	task_run_id VARCHAR(36) NOT NULL, 
	timestamp BIGINT NOT NULL, 
	type VARCHAR(16) NOT NULL, 
	name TEXT NOT NULL, 
	message TEXT, 
	state_details TEXT DEFAULT '{}' NOT NULL, 
	data TEXT, 
	CONSTRAINT pk_task_run_state PRIMARY KEY (id), 
	CONSTRAINT fk_task_run_state_task_run_id FOREIGN KEY(task_run_id) REFERENCES task_run (id) ON DELETE CASCADE
);
INSERT INTO "task_run_state" VALUES('01a200a1-1865-7df2-a94a-2a3f7411391b','01a200a1-1864-7225-adc6-74d98d47495d',1795306887266345,'RUNNING','Running',NULL,'{"task_run_id":"01a200a1-1864-7225-adc6-74d98d47495d","flow_run_id":"01a200a1-17c0-76c6-a214-460765c619fe"}',NULL);
CREATE TABLE variable (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	value TEXT, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_variable PRIMARY KEY (id), 
	CONSTRAINT uq_variable_name UNIQUE (name)
);
INSERT INTO "variable" VALUES('9e658e0b-8945-4b56-8262-1411eece1757',1795306887373662,1795306887373662,'v','{"deep":[1,null]}','["t"]');
CREATE TABLE work_pool (
	id VARCHAR(36) NOT NULL, 
	created BIGINT NOT NULL, 
	updated BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	description TEXT, 
	type TEXT DEFAULT 'prefect-agent' NOT NULL, 
	base_job_template TEXT DEFAULT '{}' NOT NULL, 
	is_paused BOOLEAN DEFAULT false NOT NULL, 
	concurrency_limit BIGINT, 
	status VARCHAR(16) DEFAULT 'NOT_READY' NOT NULL, 
	storage_configuration TEXT, 
	default_queue_id VARCHAR(36), 
	CONSTRAINT pk_work_pool PRIMARY KEY (id), 
	CONSTRAINT uq_work_pool_name UNIQUE (name)
);
INSERT INTO "work_pool" VALUES('31561840-9ccc-485f-8647-5db03169a3c3',1795306886725016,1795306886725016,'pool-1',NULL,'process','{}',0,3,'READY','{"bundle_upload_step":null,"bundle_execution_step":null,"default_result_storage_block_id":null}','ac1a0f28-af69-4801-ab9a-1cbdb83713ed');
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
	filter TEXT, 
	CONSTRAINT pk_work_queue PRIMARY KEY (id), 
	CONSTRAINT uq_work_queue_work_pool_id_name UNIQUE (work_pool_id, name), 
	CONSTRAINT fk_work_queue_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pool (id) ON DELETE CASCADE
);
INSERT INTO "work_queue" VALUES('ac1a0f28-af69-4801-ab9a-1cbdb83713ed',1795306886725016,1795306886725016,'31561840-9ccc-485f-8647-5db03169a3c3','default','',0,NULL,1,'READY',1795306887191698,NULL);
INSERT INTO "work_queue" VALUES('7ac487bf-0836-4707-9d20-48061da0a69e',1795306886778147,1795306886778147,'31561840-9ccc-485f-8647-5db03169a3c3','second',NULL,0,NULL,2,'READY',1795306887191698,NULL);
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
INSERT INTO "worker" VALUES('4211f3eb-62bb-4563-ad16-fb8ed57adc61',1795306887131951,1795306887191698,'31561840-9ccc-485f-8647-5db03169a3c3','w',1795306887191698,10.0,'ONLINE');
CREATE INDEX ix_log_flow_run_id ON log (flow_run_id, cursor);
CREATE INDEX ix_concurrency_lease_expires_at ON concurrency_lease (expires_at);
CREATE INDEX ix_artifact_key ON artifact ("key");
CREATE INDEX ix_artifact_flow_run_id ON artifact (flow_run_id);
CREATE INDEX ix_event_occurred ON event (occurred);
CREATE INDEX ix_event_resource_id ON event (resource_id, occurred);
CREATE INDEX ix_event_event ON event (event, occurred);
CREATE INDEX ix_block_schema_block_type_id ON block_schema (block_type_id);
CREATE INDEX ix_automation_related_resource_id ON automation_related (resource_id);
CREATE INDEX ix_deployment_work_queue_id ON deployment (work_queue_id);
CREATE INDEX ix_deployment_updated ON deployment (updated);
CREATE INDEX ix_session_open ON session (work_pool_id) WHERE status = 'open';
CREATE INDEX ix_session_last_seen ON session (last_seen);
CREATE INDEX ix_deployment_schedule_deployment_id ON deployment_schedule (deployment_id);
CREATE UNIQUE INDEX uq_flow_run_idempotency ON flow_run (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX ix_flow_run_lane ON flow_run (work_queue_id, deployment_id, next_scheduled_start_time) WHERE state_type = 'SCHEDULED' AND in_process = false;
CREATE INDEX ix_flow_run_active_queue ON flow_run (work_queue_id, state_type) WHERE state_type IN ('PENDING', 'RUNNING', 'CANCELLING');
CREATE INDEX ix_flow_run_begun ON flow_run (coalesce(start_time, expected_start_time));
CREATE INDEX ix_flow_run_paused ON flow_run (state_timestamp) WHERE state_type IN ('PAUSED', 'CANCELLING');
CREATE INDEX ix_flow_run_parent ON flow_run (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL;
CREATE INDEX ix_flow_run_flow_id ON flow_run (flow_id, expected_start_time);
CREATE INDEX ix_flow_run_deployment_id ON flow_run (deployment_id, expected_start_time);
CREATE INDEX ix_flow_run_end_time ON flow_run (end_time);
CREATE INDEX ix_flow_run_state ON flow_run (state_type, expected_start_time);
CREATE INDEX ix_flow_run_due ON flow_run (next_scheduled_start_time) WHERE state_type = 'SCHEDULED' AND state_name = 'Scheduled';
CREATE INDEX ix_flow_run_queue_due ON flow_run (work_queue_id, next_scheduled_start_time) WHERE state_type = 'SCHEDULED' AND in_process = false;
CREATE INDEX ix_flow_run_active_deployment ON flow_run (deployment_id) WHERE state_type IN ('PENDING', 'RUNNING', 'CANCELLING');
CREATE INDEX ix_flow_run_name ON flow_run (name);
CREATE INDEX ix_flow_run_expected_start_time ON flow_run (expected_start_time);
CREATE INDEX ix_flow_run_served ON flow_run (deployment_id, next_scheduled_start_time) WHERE state_type = 'SCHEDULED';
CREATE INDEX ix_flow_run_state_outbox ON flow_run_state (timestamp) WHERE NOT announced;
CREATE INDEX ix_task_run_expected_start_time ON task_run (expected_start_time);
CREATE INDEX ix_task_run_cache_key ON task_run (cache_key) WHERE cache_key IS NOT NULL;
CREATE INDEX ix_lease_provisional ON lease (provisional_until) WHERE provisional_until IS NOT NULL;
CREATE INDEX ix_lease_live ON lease (session_id) WHERE ended_at IS NULL;
CREATE INDEX ix_task_run_state_task_run_id ON task_run_state (task_run_id, timestamp);
COMMIT;
