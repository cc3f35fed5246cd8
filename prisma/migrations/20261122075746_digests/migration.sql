-- CreateTable
CREATE TABLE "digest_rule" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "channel" TEXT COLLATE "C" NOT NULL,
    "match_notification_key" TEXT COLLATE "C",
    "match_category" TEXT COLLATE "C",
    "group_by" TEXT COLLATE "C" NOT NULL,
    "window_kind" TEXT COLLATE "C" NOT NULL,
    "window_minutes" INTEGER,
    "max_window_minutes" INTEGER,
    "boundary_time" TEXT COLLATE "C",
    "boundary_time_zone" TEXT COLLATE "C",
    "max_items" INTEGER,
    "exclude_read" BOOLEAN NOT NULL,
    "configured" BOOLEAN NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,
    "deleted_at" TIMESTAMPTZ(6),

    CONSTRAINT "digest_rule_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "digest_bucket" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "rule_id" UUID NOT NULL,
    "rule_key" TEXT COLLATE "C" NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "channel" TEXT COLLATE "C" NOT NULL,
    "grouping_value" TEXT COLLATE "C" NOT NULL,
    "window_starts_at" TIMESTAMPTZ(6) NOT NULL,
    "window_ends_at" TIMESTAMPTZ(6) NOT NULL,
    "sequence" INTEGER NOT NULL,
    "member_count" INTEGER NOT NULL,
    "state" TEXT COLLATE "C" NOT NULL DEFAULT 'open',
    "accepting" BOOLEAN NOT NULL DEFAULT true,
    "first_item_at" TIMESTAMPTZ(6) NOT NULL,
    "last_item_at" TIMESTAMPTZ(6) NOT NULL,
    "emitted_at" TIMESTAMPTZ(6),
    "closed_by" TEXT COLLATE "C",
    "closed_words" TEXT COLLATE "C",
    "digest_delivery_id" UUID,

    CONSTRAINT "digest_bucket_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "digest_membership" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "delivery_id" UUID NOT NULL,
    "bucket_id" UUID NOT NULL,
    "position" BIGINT NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,
    "resolution" TEXT COLLATE "C",
    "reason" TEXT COLLATE "C",
    "resolved_at" TIMESTAMPTZ(6),
    "left" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "digest_membership_pkey" PRIMARY KEY ("tenant_id","delivery_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "digest_rule_tenant_id_key_version_key" ON "digest_rule"("tenant_id", "key", "version");

-- CreateIndex
CREATE INDEX "digest_bucket_tenant_id_rule_id_idx" ON "digest_bucket"("tenant_id", "rule_id");

-- CreateIndex
CREATE UNIQUE INDEX "digest_bucket_tenant_id_recipient_id_channel_rule_id_groupi_key" ON "digest_bucket"("tenant_id", "recipient_id", "channel", "rule_id", "grouping_value", "window_starts_at", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "digest_membership_tenant_id_bucket_id_position_key" ON "digest_membership"("tenant_id", "bucket_id", "position");

-- What the models cannot say. ------------------------------------------------------------------------------------

-- At most one bucket takes members; it is also how the one to join is found.
CREATE UNIQUE INDEX "digest_bucket_accepting_key" ON "digest_bucket"("tenant_id", "recipient_id", "rule_id", "channel", "grouping_value") WHERE "accepting";
-- By which a digest's delivery finds what it holds; and a bucket is emitted once.
CREATE UNIQUE INDEX "digest_bucket_digest_delivery_key" ON "digest_bucket"("tenant_id", "digest_delivery_id") WHERE "digest_delivery_id" IS NOT NULL;
-- One rule's newest version decides.
CREATE INDEX "digest_rule_deciding_idx" ON "digest_rule"("tenant_id", "channel") WHERE "deleted_at" IS NULL;

ALTER TABLE "digest_rule"
  ADD CONSTRAINT "digest_rule_version_check" CHECK ("version" >= 1),
  ADD CONSTRAINT "digest_rule_group_check" CHECK ("group_by" IN ('notification_key', 'category', 'digest_key')),
  ADD CONSTRAINT "digest_rule_window_check" CHECK (CASE "window_kind"
    WHEN 'fixed' THEN "window_minutes" >= 1 AND "max_window_minutes" IS NULL AND "boundary_time" IS NULL AND "boundary_time_zone" IS NULL
    WHEN 'sliding' THEN "window_minutes" >= 1 AND "max_window_minutes" >= "window_minutes" AND "boundary_time" IS NULL AND "boundary_time_zone" IS NULL
    WHEN 'boundary' THEN "boundary_time" IS NOT NULL AND "window_minutes" IS NULL AND "max_window_minutes" IS NULL
    ELSE false END),
  ADD CONSTRAINT "digest_rule_items_check" CHECK ("max_items" >= 1);
ALTER TABLE "digest_bucket"
  ADD CONSTRAINT "digest_bucket_state_check" CHECK ("state" IN ('open', 'emitted', 'empty')),
  ADD CONSTRAINT "digest_bucket_open_check" CHECK (("state" = 'open') = ("emitted_at" IS NULL) AND ("state" = 'open') = ("closed_by" IS NULL) AND ("state" = 'open' OR NOT "accepting")),
  ADD CONSTRAINT "digest_bucket_closed_check" CHECK ("closed_by" IN ('window', 'max_items', 'operator')),
  ADD CONSTRAINT "digest_bucket_emitted_check" CHECK (("state" = 'emitted') = ("digest_delivery_id" IS NOT NULL)),
  ADD CONSTRAINT "digest_bucket_window_check" CHECK ("window_starts_at" < "window_ends_at" AND "sequence" >= 1 AND "member_count" >= 0);
ALTER TABLE "digest_membership"
  ADD CONSTRAINT "digest_membership_resolution_check" CHECK ("resolution" IN ('included', 'skipped', 'emitted_immediately')),
  ADD CONSTRAINT "digest_membership_resolved_check" CHECK (("resolution" IS NULL) = ("resolved_at" IS NULL) AND (NOT "left" OR "resolution" IN ('skipped', 'emitted_immediately')));
ALTER TABLE "due" DROP CONSTRAINT "due_kind_check", ADD CONSTRAINT "due_kind_check" CHECK ("kind" IN ('delivery', 'fan_out', 'webhook', 'digest', 'wake'));
ALTER TABLE "digest_bucket" SET (fillfactor = 80, autovacuum_analyze_threshold = 200);
ALTER TABLE "digest_membership" SET (fillfactor = 80, autovacuum_analyze_threshold = 200);
ALTER TABLE "digest_rule" SET (autovacuum_analyze_threshold = 50);

DO $$
DECLARE
  "name" text;
BEGIN
  FOREACH "name" IN ARRAY ARRAY['digest_rule', 'digest_bucket', 'digest_membership'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', "name");
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', "name");
    EXECUTE format(
      $policy$CREATE POLICY "tenant_scope" ON %I USING ((SELECT current_setting('carillon.tenant', true)) IN ("tenant_id", '*'))$policy$, "name");
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO carillon_app', "name");
  END LOOP;
END $$;
