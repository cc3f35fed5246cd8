-- CreateTable
CREATE TABLE "api_key" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "scopes" TEXT[] COLLATE "C",
    "label" TEXT COLLATE "C" NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,
    "revoked_at" TIMESTAMPTZ(6),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "delivery" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "notification_id" UUID NOT NULL,
    "event_id" UUID NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "notification_key" TEXT COLLATE "C" NOT NULL,
    "channel" TEXT COLLATE "C" NOT NULL,
    "step_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "status" TEXT COLLATE "C" NOT NULL,
    "orchestration_state" TEXT COLLATE "C" NOT NULL DEFAULT 'ready',
    "planning_reason" TEXT COLLATE "C",
    "planning_context" JSONB,
    "suppression_reason" TEXT COLLATE "C",
    "next_eligible_at" TIMESTAMPTZ(6),
    "next_attempt_at" TIMESTAMPTZ(6),
    "render_key" TEXT COLLATE "C",
    "render_version" INTEGER,
    "position" BIGINT NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "delivery_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "delivery_attempt" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "attempt_number" INTEGER NOT NULL,
    "outcome" TEXT COLLATE "C" NOT NULL,
    "error_class" TEXT COLLATE "C",
    "adapter" TEXT COLLATE "C",
    "provider_message_id" TEXT COLLATE "C",
    "reason" TEXT COLLATE "C",
    "address" TEXT COLLATE "C",
    "source" TEXT COLLATE "C" NOT NULL,
    "started_at" TIMESTAMPTZ(6),
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "delivery_attempt_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "delivery_decision" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "checkpoint" TEXT COLLATE "C" NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "answers" JSONB NOT NULL,

    CONSTRAINT "delivery_decision_pkey" PRIMARY KEY ("tenant_id","delivery_id","id")
);

-- CreateTable
CREATE TABLE "delivery_transition" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "delivery_id" UUID NOT NULL,
    "event" TEXT COLLATE "C" NOT NULL,
    "reason" TEXT COLLATE "C",
    "context" JSONB NOT NULL DEFAULT '{}',
    "at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "delivery_transition_pkey" PRIMARY KEY ("tenant_id","delivery_id","id")
);

-- CreateTable
CREATE TABLE "due" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "kind" TEXT COLLATE "C" NOT NULL,
    "subject_id" UUID NOT NULL,
    "lane" TEXT COLLATE "C" NOT NULL,
    "due_at" TIMESTAMPTZ(6) NOT NULL,
    "lease_token" UUID,
    "lease_until" TIMESTAMPTZ(6),
    "tries" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "due_pkey" PRIMARY KEY ("tenant_id","kind","subject_id")
);

-- CreateTable
CREATE TABLE "event" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "notification_key" TEXT COLLATE "C" NOT NULL,
    "notification_version" INTEGER NOT NULL,
    "idempotency_key" TEXT COLLATE "C" NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "correlation_id" TEXT COLLATE "C",
    "actor_id" TEXT COLLATE "C",
    "payload" JSONB NOT NULL,
    "category" TEXT COLLATE "C",
    "required" BOOLEAN NOT NULL,
    "urgent" BOOLEAN NOT NULL,
    "status" TEXT COLLATE "C" NOT NULL,
    "is_digest" BOOLEAN NOT NULL DEFAULT false,
    "recipient_count" INTEGER NOT NULL,
    "planned_recipient_count" INTEGER NOT NULL,
    "failed_recipient_count" INTEGER NOT NULL DEFAULT 0,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "event_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "event_recipient" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "event_id" UUID NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "tries" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "event_recipient_pkey" PRIMARY KEY ("tenant_id","event_id","recipient_id")
);

-- CreateTable
CREATE TABLE "notification" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "event_id" UUID NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "notification_key" TEXT COLLATE "C" NOT NULL,
    "category" TEXT COLLATE "C",
    "content" JSONB,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,
    "arrived_at" TIMESTAMPTZ(6),
    "arrival_version" BIGINT,
    "seen_at" TIMESTAMPTZ(6),
    "read_at" TIMESTAMPTZ(6),
    "archived_at" TIMESTAMPTZ(6),
    "snoozed_until" TIMESTAMPTZ(6),
    "inbox_version" BIGINT,

    CONSTRAINT "notification_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "inbox" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "version" BIGINT NOT NULL DEFAULT 0,
    "position" BIGINT NOT NULL DEFAULT 0,
    "total" INTEGER NOT NULL DEFAULT 0,
    "unread" INTEGER NOT NULL DEFAULT 0,
    "unseen" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "inbox_pkey" PRIMARY KEY ("tenant_id","recipient_id")
);

-- CreateTable
CREATE TABLE "preference" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "notification_key" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "category" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "channel" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "enabled" BOOLEAN NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "preference_pkey" PRIMARY KEY ("tenant_id","recipient_id","notification_key","category","channel")
);

-- CreateTable
CREATE TABLE "recipient" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "type" TEXT COLLATE "C" NOT NULL DEFAULT 'user',
    "display_name" TEXT COLLATE "C",
    "email" TEXT COLLATE "C",
    "phone" TEXT COLLATE "C",
    "time_zone" TEXT COLLATE "C",
    "locale" TEXT COLLATE "C",
    "data" JSONB NOT NULL DEFAULT '{}',
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "recipient_pkey" PRIMARY KEY ("tenant_id","recipient_id")
);

-- CreateTable
CREATE TABLE "recipient_address" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "channel" TEXT COLLATE "C" NOT NULL,
    "address" TEXT COLLATE "C" NOT NULL,
    "bounced_at" TIMESTAMPTZ(6),
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "recipient_address_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "tenant" (
    "id" TEXT COLLATE "C" NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- CreateIndex
CREATE INDEX "delivery_tenant_id_event_id_idx" ON "delivery"("tenant_id", "event_id");

-- CreateIndex
CREATE UNIQUE INDEX "delivery_tenant_id_notification_id_channel_step_key_key" ON "delivery"("tenant_id", "notification_id", "channel", "step_key");

-- CreateIndex
CREATE UNIQUE INDEX "delivery_tenant_id_recipient_id_position_key" ON "delivery"("tenant_id", "recipient_id", "position");

-- CreateIndex
CREATE UNIQUE INDEX "delivery_attempt_tenant_id_delivery_id_attempt_number_key" ON "delivery_attempt"("tenant_id", "delivery_id", "attempt_number");

-- CreateIndex
CREATE INDEX "due_lane_due_at_idx" ON "due"("lane", "due_at");

-- CreateIndex
CREATE INDEX "event_tenant_id_correlation_id_idx" ON "event"("tenant_id", "correlation_id") WHERE "correlation_id" IS NOT NULL;

-- CreateIndex
CREATE INDEX "event_tenant_id_notification_key_id_idx" ON "event"("tenant_id", "notification_key", "id");

-- CreateIndex
CREATE UNIQUE INDEX "event_tenant_id_idempotency_key_key" ON "event"("tenant_id", "idempotency_key");

-- CreateIndex
CREATE INDEX "event_recipient_tenant_id_event_id_tries_recipient_id_idx" ON "event_recipient"("tenant_id", "event_id", "tries", "recipient_id");

-- CreateIndex
CREATE UNIQUE INDEX "notification_tenant_id_event_id_recipient_id_key" ON "notification"("tenant_id", "event_id", "recipient_id");

-- CreateIndex
CREATE UNIQUE INDEX "recipient_address_tenant_id_recipient_id_channel_address_key" ON "recipient_address"("tenant_id", "recipient_id", "channel", "address");

-- What the models cannot say. ------------------------------------------------------------------------------------

-- Two indexes of the inbox. The first is the cursor: "what changed since" is one range of it, and a version given
-- twice is refused. The second is the page, newest arrival first. Neither holds what is not in an inbox.
CREATE UNIQUE INDEX "notification_inbox_version_key" ON "notification"("tenant_id", "recipient_id", "inbox_version") WHERE "inbox_version" IS NOT NULL;
CREATE UNIQUE INDEX "notification_arrival_version_key" ON "notification"("tenant_id", "recipient_id", "arrival_version") WHERE "arrival_version" IS NOT NULL;

-- The few foreign keys that are worth their price: these tables are filled by operators and by the odd update.
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_tenant_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id");
ALTER TABLE "recipient_address" ADD CONSTRAINT "recipient_address_recipient_fkey"
  FOREIGN KEY ("tenant_id", "recipient_id") REFERENCES "recipient"("tenant_id", "recipient_id") ON DELETE CASCADE;

-- Legal values. Text with a check, and no enum types: a value can be added without a lock on who reads.
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_id_check" CHECK ("id" ~ '^[a-z0-9][a-z0-9_-]{0,62}$');
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_scopes_check" CHECK ("scopes" <@ ARRAY['TRIGGER', 'OPERATE'] AND cardinality("scopes") > 0);
ALTER TABLE "event"
  ADD CONSTRAINT "event_status_check" CHECK ("status" IN ('scheduled', 'planning', 'planned', 'cancelled')),
  ADD CONSTRAINT "event_recipients_check" CHECK ("planned_recipient_count" BETWEEN 0 AND "recipient_count");
ALTER TABLE "notification" ADD CONSTRAINT "notification_arrival_check"
  CHECK (("arrival_version" IS NULL) = ("arrived_at" IS NULL) AND ("inbox_version" IS NULL OR "inbox_version" >= "arrival_version"));
ALTER TABLE "inbox" ADD CONSTRAINT "inbox_counts_check" CHECK ("unseen" >= 0 AND "unread" >= "unseen" AND "total" >= "unread");
ALTER TABLE "delivery"
  ADD CONSTRAINT "delivery_status_check"
    CHECK ("status" IN ('pending', 'dispatched', 'succeeded', 'failed', 'suppressed', 'cancelled', 'digested')),
  ADD CONSTRAINT "delivery_orchestration_check" CHECK (
    "orchestration_state" = 'ready'
    OR ("orchestration_state" = 'deferred' AND "planning_reason" IS NOT NULL AND "next_eligible_at" IS NOT NULL)
    OR ("orchestration_state" = 'digest_held' AND "planning_reason" IS NOT NULL)),
  ADD CONSTRAINT "delivery_held_check" CHECK ("orchestration_state" = 'ready' OR "status" NOT IN ('dispatched', 'succeeded')),
  ADD CONSTRAINT "delivery_reason_check" CHECK (("suppression_reason" IS NOT NULL) = ("status" IN ('suppressed', 'cancelled'))),
  ADD CONSTRAINT "delivery_retry_check" CHECK (("next_attempt_at" IS NOT NULL) = ("status" = 'failed'));
ALTER TABLE "delivery_attempt"
  ADD CONSTRAINT "delivery_attempt_number_check" CHECK ("attempt_number" > 0),
  ADD CONSTRAINT "delivery_attempt_outcome_check" CHECK ("outcome" IN ('succeeded', 'failed', 'rejected', 'bounced', 'unknown')),
  ADD CONSTRAINT "delivery_attempt_source_check" CHECK ("source" IN ('call', 'feedback')),
  ADD CONSTRAINT "delivery_attempt_class_check" CHECK ("error_class" IN
    ('temporary', 'permanent', 'bounced', 'render_failed', 'unknown_classification'));
ALTER TABLE "delivery_decision" ADD CONSTRAINT "delivery_decision_checkpoint_check" CHECK ("checkpoint" IN ('planning', 'perform'));
ALTER TABLE "preference" ADD CONSTRAINT "preference_names_check"
  CHECK (("notification_key" = '' OR "category" = '') AND ("notification_key" <> '' OR "category" <> '' OR "channel" <> ''));
ALTER TABLE "due" ADD CONSTRAINT "due_kind_check" CHECK ("kind" IN ('delivery', 'fan_out')),
  ADD CONSTRAINT "due_lease_check" CHECK (("lease_token" IS NULL) = ("lease_until" IS NULL));

-- The edges of a delivery's states (server/core/delivery.ts draws them). Whatever else changes a row, a terminal
-- delivery cannot come back, but by feedback (bounced) and by an operator's retry of a cancelled one.
CREATE FUNCTION "carillon_check_delivery_edge"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.status, NEW.status) NOT IN (
    ('pending', 'dispatched'), ('pending', 'succeeded'), ('pending', 'failed'), ('pending', 'suppressed'),
    ('pending', 'cancelled'), ('pending', 'digested'),
    ('dispatched', 'succeeded'), ('dispatched', 'failed'), ('dispatched', 'cancelled'), ('dispatched', 'pending'),
    ('failed', 'dispatched'), ('failed', 'succeeded'), ('failed', 'suppressed'), ('failed', 'cancelled'), ('failed', 'pending'),
    ('succeeded', 'cancelled'), ('cancelled', 'pending')
  ) THEN
    RAISE EXCEPTION 'a delivery cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "delivery_edge" BEFORE UPDATE OF "status" ON "delivery" FOR EACH ROW
  WHEN (OLD."status" IS DISTINCT FROM NEW."status") EXECUTE FUNCTION "carillon_check_delivery_edge"();

-- History is appended to and never rewritten, by anybody.
CREATE FUNCTION "carillon_refuse_update"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a row of % is never changed once it is written', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "delivery_attempt_append_only" BEFORE UPDATE ON "delivery_attempt" FOR EACH ROW EXECUTE FUNCTION "carillon_refuse_update"();
CREATE TRIGGER "delivery_transition_append_only" BEFORE UPDATE ON "delivery_transition" FOR EACH ROW EXECUTE FUNCTION "carillon_refuse_update"();
CREATE TRIGGER "delivery_decision_append_only" BEFORE UPDATE ON "delivery_decision" FOR EACH ROW EXECUTE FUNCTION "carillon_refuse_update"();

-- Plans made while a table was empty are bad ones, and stay with prepared statements until it is analysed: soon.
-- And room on the page for the next version of a row that changes often, so that a change stays out of the indexes.
ALTER TABLE "inbox" SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_threshold = 200);
ALTER TABLE "delivery" SET (fillfactor = 80, autovacuum_analyze_threshold = 200);
ALTER TABLE "notification" SET (fillfactor = 90, autovacuum_analyze_threshold = 200);
ALTER TABLE "event" SET (autovacuum_analyze_threshold = 200);
ALTER TABLE "delivery_attempt" SET (autovacuum_analyze_threshold = 200);
ALTER TABLE "delivery_decision" SET (autovacuum_analyze_threshold = 200);
ALTER TABLE "preference" SET (autovacuum_analyze_threshold = 200);
ALTER TABLE "recipient" SET (autovacuum_analyze_threshold = 200);
-- A claim reads this one from its oldest end, where the dead rows are.
ALTER TABLE "due" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_analyze_threshold = 200);

-- The role as which the service works: it owns nothing, so that the policies below hold for it.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carillon_app') THEN
    CREATE ROLE carillon_app NOLOGIN NOSUPERUSER NOBYPASSRLS;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL; -- another database of this cluster was faster
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the role carillon_app does not exist, and % may not create roles', current_user
      USING HINT = format('Run as an administrator: create role carillon_app nologin; grant carillon_app to %I;', current_user);
END $$;
DO $$
BEGIN
  IF NOT pg_has_role(current_user, 'carillon_app', 'MEMBER') OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('GRANT carillon_app TO %I', current_user);
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  IF NOT pg_has_role(current_user, 'carillon_app', 'MEMBER') THEN
    RAISE EXCEPTION '% is not a member of the role carillon_app', current_user
      USING HINT = format('Run as an administrator: grant carillon_app to %I;', current_user);
  END IF;
END $$;

-- Row-level security on every table, for its owner too. A session sees the tenant that it has named, every tenant
-- where it has named "*", and nothing where it has named none.
DO $$
DECLARE
  "name" text;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO carillon_app', current_schema());
  FOREACH "name" IN ARRAY ARRAY['tenant', 'api_key', 'recipient', 'recipient_address', 'preference', 'event', 'event_recipient',
    'notification', 'inbox', 'delivery', 'delivery_attempt', 'delivery_decision', 'delivery_transition', 'due'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', "name");
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', "name");
    EXECUTE format(
      $policy$CREATE POLICY "tenant_scope" ON %I USING ((SELECT current_setting('carillon.tenant', true)) IN (%I, '*'))$policy$,
      "name", CASE "name" WHEN 'tenant' THEN 'id' ELSE 'tenant_id' END);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO carillon_app', "name");
  END LOOP;
END $$;
REVOKE UPDATE ON "delivery_attempt", "delivery_transition", "delivery_decision" FROM carillon_app;
