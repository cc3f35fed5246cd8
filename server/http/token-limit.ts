import { parse } from 'graphql'
import type { Plugin } from 'graphql-yoga'

/** Refuses a document of more tokens than this while it is read, before anything is made of it. */
export const tokenLimit = (maxTokens: number): Plugin => ({
  onParse({ setParseFn }) {
    setParseFn((source: Parameters<typeof parse>[0], options: Parameters<typeof parse>[1]) =>
      parse(source, { ...options, maxTokens }),
    )
  },
})
