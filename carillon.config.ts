import { defineConfig, log } from 'carillon'
import { commentMentioned, invoicePaid, maintenancePlanned } from './server/notifiers/examples.ts'

export default defineConfig({
  notifiers: [commentMentioned, invoicePaid, maintenancePlanned],
  adapters: {
    // Writes one line for each message. For real mail: smtp({ url: 'smtp://user:password@mail.example.com', from: 'Example <no-reply@example.com>' })
    email: log({ name: 'email-log' }),
    sms: log({ name: 'sms-log' }),
  },
})
