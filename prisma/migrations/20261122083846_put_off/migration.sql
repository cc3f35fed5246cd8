-- AlterTable
ALTER TABLE "delivery" ADD COLUMN     "put_off_by" TEXT COLLATE "C";

-- What the models cannot say. ------------------------------------------------------------------------------------

-- Read while it has failed for now, and written by every try.
ALTER TABLE "delivery" ADD CONSTRAINT "delivery_put_off_by_check" CHECK ("put_off_by" IN ('breaker'));
