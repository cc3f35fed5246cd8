import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { BenchServer } from './measure.ts'

// By the plainest client there is: what it costs is taken from the machine that is measured.
const agent = new Agent({ keepAlive: true })

/** Sends an operation; rejects where it is answered with errors. */
export const post = async ({ url, key }: BenchServer, query: string, variables: unknown): Promise<void> => {
  const answer = await new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => text(response).then(resolve, reject))
    sent.on('error', reject)
    sent.end(JSON.stringify({ query, variables }))
  })
  const { errors } = JSON.parse(answer) as { errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
}
