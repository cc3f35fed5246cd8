-- AlterTable
ALTER TABLE "event" ADD COLUMN     "traceparent" TEXT COLLATE "C";

-- What the models cannot say. ------------------------------------------------------------------------------------

-- As W3C Trace Context writes version 00. Without a default: adding it rewrites no row.
ALTER TABLE "event" ADD CONSTRAINT "event_traceparent_check" CHECK ("traceparent" ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');
