-- AlterTable
ALTER TABLE "delivery" ADD COLUMN     "awaits_operator" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "delivery_attempt" ADD COLUMN     "address_key" TEXT COLLATE "C";

-- CreateTable
CREATE TABLE "webhook_ingress" (
    "tenant_id" TEXT COLLATE "C" NOT NULL,
    "id" UUID NOT NULL,
    "adapter" TEXT COLLATE "C" NOT NULL,
    "provider_event_id" TEXT COLLATE "C",
    "provider_message_id" TEXT COLLATE "C",
    "delivery_id" UUID,
    "normalized_status" TEXT COLLATE "C" NOT NULL,
    "state" TEXT COLLATE "C" NOT NULL,
    "ignored_reason" TEXT COLLATE "C",
    "inserted_at" TIMESTAMPTZ(6) NOT NULL,
    "processed_at" TIMESTAMPTZ(6),

    CONSTRAINT "webhook_ingress_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE INDEX "webhook_ingress_tenant_id_delivery_id_idx" ON "webhook_ingress"("tenant_id", "delivery_id");

-- What the models cannot say. ------------------------------------------------------------------------------------

-- A provider that repeats a report is told that it has been accepted, and nothing more comes of it.
CREATE UNIQUE INDEX "webhook_ingress_provider_event_key" ON "webhook_ingress"("tenant_id", "adapter", "provider_event_id") WHERE "provider_event_id" IS NOT NULL;
-- By which a report that names the provider's message finds its delivery.
CREATE INDEX "delivery_attempt_provider_message_idx" ON "delivery_attempt"("tenant_id", "provider_message_id") WHERE "provider_message_id" IS NOT NULL;

ALTER TABLE "webhook_ingress"
  ADD CONSTRAINT "webhook_ingress_status_check" CHECK ("normalized_status" IN ('delivered', 'bounced', 'failed', 'complained')),
  ADD CONSTRAINT "webhook_ingress_state_check" CHECK ("state" IN ('queued', 'processed', 'ignored', 'failed')),
  ADD CONSTRAINT "webhook_ingress_ignored_check" CHECK (("ignored_reason" IS NOT NULL) = ("state" IN ('ignored', 'failed')));
ALTER TABLE "delivery" ADD CONSTRAINT "delivery_hangs_check" CHECK (NOT "awaits_operator" OR "status" = 'dispatched');
ALTER TABLE "due" DROP CONSTRAINT "due_kind_check", ADD CONSTRAINT "due_kind_check" CHECK ("kind" IN ('delivery', 'fan_out', 'webhook'));

ALTER TABLE "webhook_ingress" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "webhook_ingress" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_scope" ON "webhook_ingress" USING ((SELECT current_setting('carillon.tenant', true)) IN ("tenant_id", '*'));
GRANT SELECT, INSERT, UPDATE, DELETE ON "webhook_ingress" TO carillon_app;
