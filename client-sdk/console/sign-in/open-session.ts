import { type CarillonClient, createClient } from '../../client.ts'
import { faultWords } from '../fault-words.ts'
import { VocabularyDocument, type VocabularyQuery, WhoAmIDocument } from '../generated/operations.ts'

export interface Opened {
  readonly client: CarillonClient
  readonly tenantId: string
  readonly vocabulary: VocabularyQuery
}

/** The API beside this page, wherever that is mounted. */
const apiUrl = (): string => new URL('graphql', location.origin + location.pathname).href

/** Signs in with a key; rejects with words for whoever has it. */
export const openSession = async (key: string): Promise<Opened> => {
  const client = createClient({ url: apiUrl(), token: key })
  try {
    const { viewer } = await client.request(WhoAmIDocument)
    if (!viewer.scopes.includes('OPERATE')) {
      const scopes = viewer.scopes.join(' and ')
      throw new Error(`This key has scope ${scopes}; the console needs one with scope OPERATE.`)
    }
    const vocabulary = await client.request(VocabularyDocument)
    return { client, tenantId: viewer.tenantId, vocabulary }
  } catch (fault) {
    client.close()
    throw fault instanceof Error && fault.name === 'Error' ? fault : new Error(faultWords(fault))
  }
}
