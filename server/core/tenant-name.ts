/** The rule that the database checks, too. */
const TENANT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** What is wrong with a name that a tenant is to have, as a sentence; `null` where it can have it. */
export const tenantNameFault = (name: string): string | null =>
  TENANT_NAME.test(name)
    ? null
    : `${JSON.stringify(name)} cannot be the name of a tenant: lower-case letters, digits, "-" and "_", a letter or digit first, at most 63 characters`
