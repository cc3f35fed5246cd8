import type { QueryConfig } from 'pg'

export interface SessionRow {
  readonly zone: string
  readonly role: string
  /** Row-level security does not hold for the role. */
  readonly exempt: boolean
  /** As whom the session logged in, before it took the role. */
  readonly login: string
  readonly superuser: boolean
}

/** What this session is. Reads the catalogue of roles. No lock. */
export const readSession = (): QueryConfig => ({
  text: `
select current_setting('TimeZone') as zone, current_user as role, r.rolsuper or r.rolbypassrls as exempt,
  session_user as login, l.rolsuper as superuser
from pg_roles r, pg_roles l where r.rolname = current_user and l.rolname = session_user`,
})
