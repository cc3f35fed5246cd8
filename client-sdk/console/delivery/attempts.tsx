import type { JSX } from 'react'
import { Facts } from '../facts.tsx'
import type { AttemptMadeFragment } from '../generated/operations.ts'
import { lengthWords } from '../instants.ts'
import { When } from '../when.tsx'

const tookWords = ({ startedAt, insertedAt }: AttemptMadeFragment): string | null =>
  startedAt === null ? null : lengthWords(Math.max(0, Date.parse(insertedAt) - Date.parse(startedAt)))

/** Each call of the provider and each report of its, with its own words. */
export const Attempts = ({ attempts }: { readonly attempts: readonly AttemptMadeFragment[] }): JSX.Element => (
  <ol className="attempts">
    {attempts.map((attempt) => (
      <li key={attempt.id}>
        <h3>
          {attempt.source === 'feedback' ? 'Report' : `Call ${attempt.attemptNumber}`}: {attempt.outcome.toLowerCase()}
        </h3>
        <Facts
          of={{
            'provider’s answer': attempt.reason,
            kind: attempt.errorClass,
            adapter: attempt.adapter,
            address: attempt.address,
            'provider’s id': attempt.providerMessageId,
            when: <When at={attempt.insertedAt} exact />,
            took: tookWords(attempt),
          }}
        />
      </li>
    ))}
  </ol>
)
