-- AlterTable
ALTER TABLE "delivery" ADD COLUMN     "in_run" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "signal" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "notification_id" UUID,
    "payload" JSONB,
    "idempotency_key" TEXT COLLATE "C",
    "fingerprint" BYTEA NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "signal_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "workflow_definition" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "definition" JSONB NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "workflow_definition_pkey" PRIMARY KEY ("tenant_id","key","version")
);

-- CreateTable
CREATE TABLE "workflow_run" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "event_id" UUID NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "workflow_key" TEXT COLLATE "C" NOT NULL,
    "workflow_version" INTEGER NOT NULL,
    "state" TEXT COLLATE "C" NOT NULL,
    "step_key" TEXT COLLATE "C" NOT NULL,
    "delivery_id" UUID,
    "status_reason" TEXT COLLATE "C" NOT NULL,
    "waiting_until" TIMESTAMPTZ(6),
    "waiting_for" TEXT[] COLLATE "C" DEFAULT ARRAY[]::TEXT[],
    "listens" TEXT[] COLLATE "C" DEFAULT ARRAY[]::TEXT[],
    "heard" JSONB NOT NULL DEFAULT '[]',
    "told" TEXT[] COLLATE "C" DEFAULT ARRAY[]::TEXT[],
    "conditions" JSONB NOT NULL,
    "channels" JSONB NOT NULL,
    "transition_count" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(6) NOT NULL,
    "last_transition_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "workflow_run_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "workflow_transition" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "from_state" TEXT COLLATE "C",
    "to_state" TEXT COLLATE "C" NOT NULL,
    "step_key" TEXT COLLATE "C",
    "delivery_id" UUID,
    "reason" TEXT COLLATE "C" NOT NULL,
    "context" JSONB NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "workflow_transition_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE INDEX "signal_tenant_id_recipient_id_idx" ON "signal"("tenant_id", "recipient_id");

-- CreateIndex
CREATE INDEX "workflow_run_tenant_id_workflow_key_id_idx" ON "workflow_run"("tenant_id", "workflow_key", "id");

-- CreateIndex
CREATE INDEX "workflow_run_tenant_id_recipient_id_id_idx" ON "workflow_run"("tenant_id", "recipient_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "workflow_transition_tenant_id_run_id_number_key" ON "workflow_transition"("tenant_id", "run_id", "number");

-- What the models cannot say. ------------------------------------------------------------------------------------

-- A repeat of a host's signal answers the first one, whoever is faster.
CREATE UNIQUE INDEX "signal_idempotency_key" ON "signal"("tenant_id", "idempotency_key") WHERE "idempotency_key" IS NOT NULL;
-- By these a signal finds the runs that may wait for it, and a cancellation those of its event: they hold what still moves alone.
CREATE INDEX "workflow_run_live_recipient_idx" ON "workflow_run"("tenant_id", "recipient_id") WHERE "state" IN ('active', 'waiting');
CREATE INDEX "workflow_run_live_event_idx" ON "workflow_run"("tenant_id", "event_id") WHERE "state" IN ('active', 'waiting');

ALTER TABLE "workflow_run"
  ADD CONSTRAINT "workflow_run_state_check" CHECK ("state" IN ('active', 'waiting', 'completed', 'stopped', 'cancelled')),
  ADD CONSTRAINT "workflow_run_waiting_check"
    CHECK (("state" = 'waiting') = ("waiting_until" IS NOT NULL) AND ("state" = 'waiting' OR cardinality("waiting_for") = 0)),
  -- What moves has a delivery under way, or a wait.
  ADD CONSTRAINT "workflow_run_way_out_check" CHECK ("state" NOT IN ('active', 'waiting') OR "delivery_id" IS NOT NULL);
ALTER TABLE "due" DROP CONSTRAINT "due_kind_check", ADD CONSTRAINT "due_kind_check" CHECK ("kind" IN ('delivery', 'fan_out', 'webhook', 'digest', 'wake', 'workflow'));

-- What is over stays over.
CREATE FUNCTION "carillon_check_run_edge"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a workflow run that is % does not move any more', OLD.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER "workflow_run_edge" BEFORE UPDATE OF "state" ON "workflow_run" FOR EACH ROW
  WHEN (OLD."state" NOT IN ('active', 'waiting')) EXECUTE FUNCTION "carillon_check_run_edge"();

-- As of deliveries: what an operator said of a person may be taken out of a run's history, and nothing else.
CREATE OR REPLACE FUNCTION "carillon_refuse_update"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "anew" jsonb := to_jsonb(NEW);
  "was" jsonb := to_jsonb(OLD);
BEGIN
  IF TG_TABLE_NAME = 'delivery_attempt' AND "anew" - 'address' - 'reason' = "was" - 'address' - 'reason'
    AND "anew" ->> 'address' IS NULL AND "anew" ->> 'reason' IS NULL THEN
    RETURN NEW;
  END IF;
  IF TG_TABLE_NAME IN ('delivery_transition', 'workflow_transition') AND "anew" - 'context' = "was" - 'context'
    AND "anew" -> 'context' = ("was" -> 'context') - 'words' AND "was" -> 'context' ? 'words' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a row of % is never changed once it is written', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER "workflow_definition_append_only" BEFORE UPDATE ON "workflow_definition" FOR EACH ROW EXECUTE FUNCTION "carillon_refuse_update"();
CREATE TRIGGER "workflow_transition_append_only" BEFORE UPDATE ON "workflow_transition" FOR EACH ROW EXECUTE FUNCTION "carillon_refuse_update"();
CREATE TRIGGER "signal_append_only" BEFORE UPDATE ON "signal" FOR EACH ROW EXECUTE FUNCTION "carillon_refuse_update"();

ALTER TABLE "workflow_run" SET (fillfactor = 80, autovacuum_analyze_threshold = 200);
ALTER TABLE "workflow_transition" SET (autovacuum_analyze_threshold = 200);

DO $$
DECLARE
  "name" text;
BEGIN
  FOREACH "name" IN ARRAY ARRAY['signal', 'workflow_definition', 'workflow_run', 'workflow_transition'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', "name");
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', "name");
    EXECUTE format(
      $policy$CREATE POLICY "tenant_scope" ON %I USING ((SELECT current_setting('carillon.tenant', true)) IN ("tenant_id", '*'))$policy$, "name");
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO carillon_app', "name");
  END LOOP;
END $$;
REVOKE UPDATE ON "signal", "workflow_definition", "workflow_transition" FROM carillon_app;
GRANT UPDATE ("context") ON "workflow_transition" TO carillon_app;
