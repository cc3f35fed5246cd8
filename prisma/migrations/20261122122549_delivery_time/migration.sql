-- CreateIndex
-- Deliveries stand in the order of time as they were planned, so that a few bytes for each megabyte of them are index
-- enough for what became of them hour by hour. It names nothing that a delivery's changes change. Brought up to date by
-- autovacuum as the table grows; what is newer is read with whatever is asked for.
CREATE INDEX "delivery_inserted_at_idx" ON "delivery" USING BRIN ("inserted_at") WITH (pages_per_range = 32, autosummarize = on);

-- What the models cannot say. ------------------------------------------------------------------------------------

-- What hangs is looked for however old it is, and there is next to none of it.
CREATE INDEX "delivery_hanging_idx" ON "delivery"("tenant_id", "id") WHERE "awaits_operator";
