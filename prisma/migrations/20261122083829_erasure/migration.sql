-- AlterTable
ALTER TABLE "event" ADD COLUMN     "erased_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "notification" ADD COLUMN     "erased_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "inbox" ADD COLUMN     "resync_below" BIGINT NOT NULL DEFAULT 0;

-- What the models cannot say. ------------------------------------------------------------------------------------

-- History stays as it was written, but for what it says of a person: that may be taken out of it, and nothing else.
CREATE OR REPLACE FUNCTION "carillon_refuse_update"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  "anew" jsonb := to_jsonb(NEW);
  "was" jsonb := to_jsonb(OLD);
BEGIN
  IF TG_TABLE_NAME = 'delivery_attempt' AND "anew" - 'address' - 'reason' = "was" - 'address' - 'reason'
    AND "anew" ->> 'address' IS NULL AND "anew" ->> 'reason' IS NULL THEN
    RETURN NEW;
  END IF;
  IF TG_TABLE_NAME = 'delivery_transition' AND "anew" - 'context' = "was" - 'context'
    AND "anew" -> 'context' = ("was" -> 'context') - 'words' AND "was" -> 'context' ? 'words' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a row of % is never changed once it is written', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
GRANT UPDATE ("address", "reason") ON "delivery_attempt" TO carillon_app;
GRANT UPDATE ("context") ON "delivery_transition" TO carillon_app;

ALTER TABLE "notification" ADD CONSTRAINT "notification_erased_check" CHECK ("erased_at" IS NULL OR ("content" IS NULL AND "arrival_version" IS NULL AND "snoozed_until" IS NULL));
ALTER TABLE "inbox" ADD CONSTRAINT "inbox_resync_check" CHECK ("resync_below" <= "version");
