-- AlterTable
ALTER TABLE "api_key" ADD COLUMN     "expires_at" TIMESTAMPTZ(6),
ADD COLUMN     "last_used_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "tenant" ADD COLUMN     "disabled_at" TIMESTAMPTZ(6),
ADD COLUMN     "removing_at" TIMESTAMPTZ(6),
ADD COLUMN     "tokens_since" TIMESTAMPTZ(6);

-- What the models cannot say. ------------------------------------------------------------------------------------

-- What is being removed lets nobody in. There are few tenants, and none of them is being removed yet.
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_removing_check" CHECK ("removing_at" IS NULL OR "disabled_at" IS NOT NULL);
