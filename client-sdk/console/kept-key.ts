const NAME = 'carillon.console.key'

/** The key of the last sign-in in this tab, while the tab lives; it is written nowhere else. */
export const keptKey = (): string | null => sessionStorage.getItem(NAME)

/** Keeps a key, or forgets the one there is. */
export const keepKey = (key: string | null): void => {
  if (key === null) sessionStorage.removeItem(NAME)
  else sessionStorage.setItem(NAME, key)
}

/** The key that a server in development gives with the page; `null` elsewhere. */
export const givenKey = (): string | null => {
  const text = document.getElementById('carillon')?.textContent
  return text ? ((JSON.parse(text) as { readonly key?: string }).key ?? null) : null
}
