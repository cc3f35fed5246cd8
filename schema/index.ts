import './scalars.ts'
import './error-code.ts'
import './viewer.ts'
import './recipient.ts'
import './notification.ts'
import './delivery.ts'
import './event.ts'
import './trigger.ts'
import './inbox.ts'
import './preference.ts'
import './recipient-token.ts'
import './explanation.ts'
import './node.ts'
import { builder } from './builder.ts'
import { refuseUnstorableText } from './storable-text.ts'

/** The API. */
export const schema = refuseUnstorableText(builder.toSchema())
