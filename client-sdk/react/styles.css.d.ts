/** The stylesheet: imported for what it does. */
export {}
