import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export const TEMPLATE = 'carillon_template'

/** The address of a database of a cluster. */
export const databaseUrl = (clusterUrl: string, name: string): string => {
  const url = new URL(clusterUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Somebody is connected to it. */
const IN_USE = '55006'

export interface TestDatabase {
  readonly url: string
  drop(): Promise<void>
}

const onCluster = async (clusterUrl: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: clusterUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/**
 * Drops a database. PostgreSQL waits some seconds for those who have just hung up; to drop them by force at once would
 * reach a client that is saying goodbye as an error that nobody listens to any more. Who is left after that is cut off.
 */
const drop = async (clusterUrl: string, name: string): Promise<void> => {
  try {
    await onCluster(clusterUrl, `drop database ${name}`)
  } catch (error) {
    if ((error as pg.DatabaseError).code !== IN_USE) throw error
    await onCluster(clusterUrl, `drop database ${name} with (force)`)
  }
}

const create = async (clusterUrl: string, template: string): Promise<TestDatabase> => {
  const name = `test_${randomBytes(6).toString('hex')}`
  await onCluster(clusterUrl, `create database ${name} template ${template}`)
  return {
    url: databaseUrl(clusterUrl, name),
    drop: () => drop(clusterUrl, name),
  }
}

/** A migrated database of a test's own: a copy of the template, made in a few milliseconds. */
export const createTestDatabase = (clusterUrl: string = inject('clusterUrl')): Promise<TestDatabase> =>
  create(clusterUrl, TEMPLATE)

/** A database of a test's own without anything in it. */
export const createEmptyDatabase = (): Promise<TestDatabase> => create(inject('clusterUrl'), 'template0')
