-- AlterTable
ALTER TABLE "event" ADD COLUMN     "has_secrets" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "sealed_payload" BYTEA;

-- What the models cannot say. ------------------------------------------------------------------------------------

ALTER TABLE "event" ADD CONSTRAINT "event_sealed_payload_check" CHECK ("sealed_payload" IS NULL OR "has_secrets");

-- For the sweep that erases what nobody needs any more. Few events are in it, and none for long.
CREATE INDEX "event_sealed_idx" ON "event"("tenant_id", "id") WHERE "sealed_payload" IS NOT NULL;
