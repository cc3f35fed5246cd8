export const ROLES = ['api', 'worker', 'all'] as const

/**
 * What a process does: `api` answers requests and carries out nothing, `worker` carries out what is due and answers
 * health checks alone, `all` does both. Any number of each may share a database.
 */
export type Role = (typeof ROLES)[number]
