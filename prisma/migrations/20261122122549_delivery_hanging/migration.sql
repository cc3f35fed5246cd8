-- carillon: outside a transaction
-- What hangs is looked for however old it is, and there is next to none of it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "delivery_hanging_idx" ON "delivery"("tenant_id", "id") WHERE "awaits_operator";
