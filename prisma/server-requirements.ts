/** The oldest major version of PostgreSQL that Carillon works with. */
export const OLDEST_POSTGRES = 15

/** What a server says of itself: `server_version_num`, such as 150018, and `server_encoding`, such as UTF8. */
export interface ServerFacts {
  readonly version: number
  readonly encoding: string
}

/** Why Carillon cannot use this server, with what to do about it; undefined where it can. */
export const unsuitableServer = ({ version, encoding }: ServerFacts): string | undefined => {
  const major = Math.floor(version / 10_000)
  if (major < OLDEST_POSTGRES) {
    return `The server is PostgreSQL ${major}. Carillon needs ${OLDEST_POSTGRES} or later: upgrade the server, or name another in the database URL`
  }
  if (encoding !== 'UTF8') {
    return `The database's encoding is ${encoding}, which cannot hold every text. Make one that can: create database carillon encoding 'UTF8' template template0`
  }
  return undefined
}
