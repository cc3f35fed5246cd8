import type { JSX } from 'react'
import { Facts } from '../facts.tsx'
import type { PreviewQuery } from '../generated/operations.ts'
import { Json } from '../json.tsx'

const textIn = (content: unknown, name: string): string | null => {
  const value = (content as Readonly<Record<string, unknown>> | null)?.[name]
  return typeof value === 'string' ? value : null
}

/**
 * A rendered message. Its HTML stands in a frame that may do nothing: no script, no form, no picture from elsewhere, so
 * that nobody is told that somebody looked.
 */
export const Rendered = ({ preview }: { readonly preview: PreviewQuery['previewRendering'] }): JSX.Element => {
  const { channel, content, renderKey, renderVersion } = preview
  const html = textIn(content, 'html')
  const text = textIn(content, 'text') ?? textIn(content, 'body')
  return (
    <>
      <h2>{textIn(content, 'subject') ?? textIn(content, 'title') ?? `On ${channel}`}</h2>
      {html ? <iframe className="mail" sandbox="" srcDoc={html} title="The message as HTML" /> : null}
      {text ? (
        <>
          <h3>As text</h3>
          <p className="as-text">{text}</p>
        </>
      ) : null}
      <Facts of={{ template: `${renderKey}, version ${renderVersion}` }} />
      <details>
        <summary>All that the channel is given</summary>
        <Json value={content} />
      </details>
    </>
  )
}
