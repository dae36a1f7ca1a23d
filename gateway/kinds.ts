/** The five kinds of components and what they are called. */

import type { Kind } from './catalog.ts'

export const KINDS: readonly Kind[] = ['receiver', 'processor', 'exporter', 'connector', 'extension']

/** `receivers:`, and so on: what the section of a kind is called. */
export const sectionOf = (kind: Kind): string => `${kind}s`

/** `a receiver`, `an exporter`. */
export const aKind = (kind: Kind): string => `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
