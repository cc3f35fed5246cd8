-- carillon: outside a transaction
-- One tenant's part of a lane, in order of time. The time is written in a form that only those ask for who mean this index:
-- where one tenant has nearly all of the queue, the planner would take the index without tenants to be as good.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "due_turn_idx" ON "due"("lane", "tenant_id", (("due_at" AT TIME ZONE 'UTC')));
