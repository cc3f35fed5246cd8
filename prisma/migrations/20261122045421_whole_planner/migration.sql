-- DropIndex
DROP INDEX "event_recipient_tenant_id_event_id_tries_recipient_id_idx";

-- AlterTable
ALTER TABLE "delivery" ADD COLUMN     "category" TEXT COLLATE "C",
ADD COLUMN     "counts_at" TIMESTAMPTZ(6),
ADD COLUMN     "expires_at" TIMESTAMPTZ(6),
ADD COLUMN     "fallback" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "released" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "event" ADD COLUMN     "expires_at" TIMESTAMPTZ(6),
ADD COLUMN     "send_at" TIMESTAMPTZ(6),
ADD COLUMN     "topics" TEXT[] COLLATE "C" NOT NULL DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "recipient" ADD COLUMN     "email_bounced_at" TIMESTAMPTZ(6),
ADD COLUMN     "phone_bounced_at" TIMESTAMPTZ(6);

-- CreateTable
CREATE TABLE "policy_settings" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "time_zone" TEXT COLLATE "C",
    "quiet_hours" JSONB NOT NULL DEFAULT '[]',
    "caps" JSONB NOT NULL DEFAULT '[]',
    "updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "policy_settings_pkey" PRIMARY KEY ("tenant_id","recipient_id")
);

-- CreateTable
CREATE TABLE "topic" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "subscriber_count" INTEGER NOT NULL DEFAULT 0,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "topic_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "topic_subscription" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "topic_id" UUID NOT NULL,
    "recipient_id" TEXT COLLATE "C" NOT NULL,
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "topic_subscription_pkey" PRIMARY KEY ("tenant_id","topic_id","recipient_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "topic_tenant_id_key_key" ON "topic"("tenant_id", "key");

-- CreateIndex
CREATE INDEX "topic_subscription_tenant_id_recipient_id_idx" ON "topic_subscription"("tenant_id", "recipient_id");

-- What the models cannot say. ------------------------------------------------------------------------------------

-- Subscriptions change seldom, and one without its topic or its recipient would count for nobody.
ALTER TABLE "topic_subscription"
  ADD CONSTRAINT "topic_subscription_topic_fkey" FOREIGN KEY ("tenant_id", "topic_id") REFERENCES "topic"("tenant_id", "id") ON DELETE CASCADE,
  ADD CONSTRAINT "topic_subscription_recipient_fkey"
    FOREIGN KEY ("tenant_id", "recipient_id") REFERENCES "recipient"("tenant_id", "recipient_id") ON DELETE CASCADE;

ALTER TABLE "event"
  ADD CONSTRAINT "event_schedule_check" CHECK (("status" <> 'scheduled' OR "send_at" IS NOT NULL) AND ("send_at" IS NULL OR "expires_at" IS NULL OR "expires_at" > "send_at"));
ALTER TABLE "topic" ADD CONSTRAINT "topic_subscriber_count_check" CHECK ("subscriber_count" >= 0);
ALTER TABLE "policy_settings" ADD CONSTRAINT "policy_settings_lists_check"
  CHECK (jsonb_typeof("quiet_hours") = 'array' AND jsonb_typeof("caps") = 'array');
ALTER TABLE "policy_settings" SET (autovacuum_analyze_threshold = 200);

-- The owner of the tables is under their policies too.
SELECT set_config('carillon.tenant', '*', true);
-- What was planned before counts toward caps like the rest: from the last time that it was let through, else from when it was planned.
UPDATE "delivery" v SET "category" = e."category", "counts_at" = CASE WHEN e."required" THEN NULL ELSE
    coalesce((SELECT max(c."at") FROM "delivery_decision" c
      WHERE c."tenant_id" = v."tenant_id" AND c."delivery_id" = v."id" AND c."checkpoint" = 'perform'), v."inserted_at") END
FROM "event" e WHERE e."tenant_id" = v."tenant_id" AND e."id" = v."event_id";

DO $$
DECLARE
  "name" text;
BEGIN
  FOREACH "name" IN ARRAY ARRAY['policy_settings', 'topic', 'topic_subscription'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', "name");
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', "name");
    EXECUTE format(
      $policy$CREATE POLICY "tenant_scope" ON %I USING ((SELECT current_setting('carillon.tenant', true)) IN ("tenant_id", '*'))$policy$, "name");
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO carillon_app', "name");
  END LOOP;
END $$;
