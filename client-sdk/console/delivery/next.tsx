import type { JSX } from 'react'
import type { StoryQuery } from '../generated/operations.ts'
import { When } from '../when.tsx'
import { nameInWords } from '../wording.ts'

type Delivery = NonNullable<StoryQuery['delivery']>

/** What a delivery waits for, where it is not one of the reasons that the server explains. */
const WAITING: Readonly<Record<string, string>> = {
  due: 'It waits for a worker to take it.',
  retry: 'It is tried again by itself.',
  breaker: 'The provider failed too often of late, and is left alone for a while; then it is tried again.',
  provider: 'The provider is being called.',
  operator: 'It waits for you: nobody knows whether the provider took it. Retry it, or cancel it.',
  digest: 'It waits for its digest to close.',
}

/** What comes next, and when; nothing where the delivery has come to its end. */
export const Next = ({
  delivery,
  meaningOf,
}: {
  readonly delivery: Delivery
  readonly meaningOf: (code: string) => string | null
}): JSX.Element | null => {
  const { waitingFor, nextAttemptAt, nextEligibleAt } = delivery
  if (waitingFor === null) return null
  const at = nextAttemptAt ?? nextEligibleAt
  return (
    <p className="next">
      <strong>Next:</strong> {WAITING[waitingFor] ?? meaningOf(waitingFor) ?? nameInWords(waitingFor)}{' '}
      {at ? (
        <>
          At <When at={at} exact />, <When at={at} />.
        </>
      ) : null}
    </p>
  )
}
