-- AlterTable
ALTER TABLE "event" ADD COLUMN     "traceparent" TEXT COLLATE "C";

-- What the models cannot say. ------------------------------------------------------------------------------------

-- As W3C Trace Context writes version 00. NOT VALID, so that no row is read for it: none that is there has one, and a later
-- migration says so.
ALTER TABLE "event" ADD CONSTRAINT "event_traceparent_check" CHECK ("traceparent" ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$') NOT VALID;
