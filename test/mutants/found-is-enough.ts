import fc from 'fast-check'

// A mutant is dead with the first example that shows it: the smallest one is for people.
fc.configureGlobal({ endOnFailure: true })
