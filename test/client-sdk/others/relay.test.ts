import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../../..')
const run = promisify(execFile)

const LIST = `import { graphql } from 'react-relay'
export const query = graphql\`
  query ListQuery($count: Int!, $after: String) {
    inbox { counts { unread } ...List_inbox @arguments(count: $count, after: $after) }
  }
\`
export const list = graphql\`
  fragment List_inbox on Inbox @argumentDefinitions(count: { type: "Int!" }, after: { type: "String" }) {
    notifications(first: $count, after: $after) @connection(key: "List_notifications") {
      edges { node { ...List_item } }
    }
  }
\`
export const item = graphql\`
  fragment List_item on Notification @refetchable(queryName: "ItemRefetchQuery") { content { title body } readAt }
\`
export const mark = graphql\`
  mutation ListMarkMutation($input: InboxSelectionInput!) { markRead(input: $input) { notifications { id readAt } } }
\`
export const updates = graphql\`
  subscription ListSubscription($after: InboxCursor) { inboxUpdates(after: $after) { cursor changed { id ...List_item } } }
\`
`

test('Relay’s compiler takes the printed schema: connections, refetchable nodes, mutations and subscriptions', async () => {
  const host = await mkdtemp(join(tmpdir(), 'carillon-relay-'))
  onTestFinished(() => rm(host, { recursive: true, force: true }))
  await mkdir(join(host, 'src'))
  await mkdir(join(host, 'made'))
  await cp(join(ROOT, 'schema/schema.graphql'), join(host, 'schema.graphql'))
  await writeFile(join(host, 'src/List.ts'), LIST)
  await writeFile(join(host, 'package.json'), '{}')
  await writeFile(
    join(host, 'relay.config.json'),
    JSON.stringify({
      src: './src',
      schema: './schema.graphql',
      language: 'typescript',
      artifactDirectory: './made',
      eagerEsModules: true,
      customScalarTypes: { DateTime: 'string', InboxCursor: 'string', JSON: 'string' },
    }),
  )
  const compiler = join(ROOT, 'node_modules/relay-compiler/cli.js')
  await run(process.execPath, [compiler, 'relay.config.json'], { cwd: host })
  const made = await readdir(join(host, 'made'))
  expect(made.sort()).toEqual([
    'ItemRefetchQuery.graphql.ts',
    'ListMarkMutation.graphql.ts',
    'ListQuery.graphql.ts',
    'ListSubscription.graphql.ts',
    'List_inbox.graphql.ts',
    'List_item.graphql.ts',
  ])
  expect(await readFile(join(host, 'made/ItemRefetchQuery.graphql.ts'), 'utf8')).toContain('node(id: $id)')
})
