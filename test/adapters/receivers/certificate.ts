import { createSign, type KeyObject } from 'node:crypto'

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const bits = (content: Uint8Array): Buffer => der(0x03, Buffer.from([0]), content)
const time = (text: string): Buffer => der(0x17, Buffer.from(text))

const SHA256_WITH_RSA = sequence(oid('2a864886f70d01010b'), der(0x05))
const NAME = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from('sns.amazonaws.com')))))

/** A certificate that a key pair has made for itself, as PEM. */
export const selfSigned = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): string => {
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    SHA256_WITH_RSA,
    NAME,
    sequence(time('260101000000Z'), time('360101000000Z')),
    NAME,
    publicKey.export({ format: 'der', type: 'spki' }),
  )
  const signature = createSign('RSA-SHA256').update(content).sign(privateKey)
  const lines =
    sequence(content, SHA256_WITH_RSA, bits(signature))
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
