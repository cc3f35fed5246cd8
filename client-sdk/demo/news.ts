/** Tells the explanations of what was triggered on this page. */
export const news = new EventTarget()

export const tellTriggered = (eventId: string): void => {
  news.dispatchEvent(new CustomEvent('triggered', { detail: eventId }))
}
