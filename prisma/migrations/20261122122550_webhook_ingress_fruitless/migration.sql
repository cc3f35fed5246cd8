-- carillon: outside a transaction
-- By which reports that nothing came of are found, the oldest first. What else is pruned is found by ids, which are in the order of time.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "webhook_ingress_fruitless_idx" ON "webhook_ingress"("tenant_id", "id") WHERE "state" IN ('ignored', 'failed');
