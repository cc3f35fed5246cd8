-- Reads the tables while others write to them.
ALTER TABLE "digest_bucket" VALIDATE CONSTRAINT "digest_bucket_emitted_check", VALIDATE CONSTRAINT "digest_bucket_pruned_check";
ALTER TABLE "event" VALIDATE CONSTRAINT "event_pruned_check", VALIDATE CONSTRAINT "event_traceparent_check";
ALTER TABLE "notification" VALIDATE CONSTRAINT "notification_pruned_check";
