-- AlterTable
ALTER TABLE "digest_bucket" ADD COLUMN     "pruned_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "event" ADD COLUMN     "pruned_recipient_count" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "notification" ADD COLUMN     "pruned_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "tenant" ADD COLUMN     "inboxes_pruned_at" TIMESTAMPTZ(6);

-- CreateTable
CREATE TABLE "daily_outcome" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "day" DATE NOT NULL,
    "notification_key" TEXT COLLATE "C" NOT NULL,
    "channel" TEXT COLLATE "C" NOT NULL,
    "status" TEXT COLLATE "C" NOT NULL,
    "reason" TEXT COLLATE "C" NOT NULL DEFAULT '',
    "count" INTEGER NOT NULL,

    CONSTRAINT "daily_outcome_pkey" PRIMARY KEY ("tenant_id","day","notification_key","channel","status","reason")
);

-- CreateTable
CREATE TABLE "daily_events" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "notification_key" TEXT COLLATE "C" NOT NULL,
    "day" DATE NOT NULL,
    "count" INTEGER NOT NULL,
    "latest_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "daily_events_pkey" PRIMARY KEY ("tenant_id","notification_key","day")
);

-- What the models cannot say. ------------------------------------------------------------------------------------

-- Checks of tables that were there before hold for what is written from now on; a later migration looks at what is there
-- already, in a way that nobody waits for.
-- What has left an inbox for its age has nothing to show; its row stays, so that cursors tell of it.
ALTER TABLE "notification" ADD CONSTRAINT "notification_pruned_check"
  CHECK ("pruned_at" IS NULL OR ("content" IS NULL AND "arrival_version" IS NULL AND "snoozed_until" IS NULL)) NOT VALID;
ALTER TABLE "event" ADD CONSTRAINT "event_pruned_check" CHECK ("pruned_recipient_count" BETWEEN 0 AND "planned_recipient_count") NOT VALID;
ALTER TABLE "digest_bucket"
  DROP CONSTRAINT "digest_bucket_emitted_check",
  ADD CONSTRAINT "digest_bucket_emitted_check" CHECK (("state" = 'emitted') = ("digest_delivery_id" IS NOT NULL OR "pruned_at" IS NOT NULL)) NOT VALID,
  ADD CONSTRAINT "digest_bucket_pruned_check" CHECK ("pruned_at" IS NULL OR "digest_delivery_id" IS NULL) NOT VALID;
ALTER TABLE "daily_outcome" ADD CONSTRAINT "daily_outcome_check"
  CHECK ("count" > 0 AND "status" IN ('succeeded', 'suppressed', 'cancelled', 'digested') AND ("reason" <> '') = ("status" IN ('suppressed', 'cancelled')));
ALTER TABLE "daily_events" ADD CONSTRAINT "daily_events_check" CHECK ("count" >= 0);

-- A fifth of a large table is too much to be left lying: pruning takes as much away in a day as a day brings.
ALTER TABLE "event" SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "notification" SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "delivery" SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "delivery_attempt" SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "delivery_decision" SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE "delivery_transition" SET (autovacuum_vacuum_scale_factor = 0.05);

DO $$
DECLARE
  "name" text;
BEGIN
  FOREACH "name" IN ARRAY ARRAY['daily_outcome', 'daily_events'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', "name");
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', "name");
    EXECUTE format(
      $policy$CREATE POLICY "tenant_scope" ON %I USING ((SELECT current_setting('carillon.tenant', true)) IN ("tenant_id", '*'))$policy$, "name");
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO carillon_app', "name");
  END LOOP;
END $$;
