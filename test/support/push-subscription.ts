/** A browser's `PushSubscription` as it gives it, for a device of this name. */
export const pushSubscription = (device: string): string =>
  JSON.stringify({
    endpoint: `https://push.example.test/send/0123456789abcdef/${device}`,
    expirationTime: null,
    keys: {
      p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
      auth: 'BTBZMqHH6r4Tts7J_aSIgg',
    },
  })
