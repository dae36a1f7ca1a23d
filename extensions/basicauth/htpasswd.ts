/**
 * htpasswd files: what Apache's htpasswd writes, and what the Collector's reader takes besides (tg123/go-htpasswd 1.2).
 *
 *     name:$2y$05$...        bcrypt; $2a$, $2b$ and $2x$ too
 *     name:$apr1$salt$...    Apache's MD5, and $1$
 *     name:$5$...  $6$...    SHA-256 and SHA-512 crypt
 *     name:{SHA}base64       SHA-1, and {SSHA}, SHA-1 with a salt
 *     name:password          anything else is the password itself; {PLAIN} may stand in front
 */

import { hash, timingSafeEqual } from 'node:crypto'

/** `slow` ones cost ms of CPU and are checked in a thread of their own, with `matchesSlowly`. */
export type StoredPassword =
  | { readonly slow: true; readonly encoded: string }
  | { readonly slow: false; readonly matches: (password: string) => boolean }

export interface Htpasswd {
  /** The last line of a name counts. */
  readonly users: ReadonlyMap<string, StoredPassword>
  /** Numbers of the lines that are no entry, from 1. They are not used; what is in them may be secret. */
  readonly badLines: readonly number[]
}

export function parseHtpasswd(text: string): Htpasswd {
  const users = new Map<string, StoredPassword>()
  const badLines: number[] = []
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '') continue
    const colon = line.indexOf(':')
    const stored = colon === -1 ? undefined : storedPassword(line.slice(colon + 1))
    if (stored === undefined) badLines.push(i + 1)
    else users.set(line.slice(0, colon), stored)
  }
  return { users, badLines }
}

const SLOW = /^\$(?:apr1|1|5|6|2[abxy])\$/
const SLOW_WHOLE = /^\$(?:apr1|1|5|6)\$[^$]*\$|^\$2[abxy]\$/
const SHA1_BYTES = 20

/** Undefined for one that begins like a hash and is none: it is not a password in plain text either. */
function storedPassword(encoded: string): StoredPassword | undefined {
  if (SLOW.test(encoded)) return SLOW_WHOLE.test(encoded) ? { slow: true, encoded } : undefined
  const sha = /^\{(S?)SHA\}(.*)$/.exec(encoded)
  if (sha === null) {
    return { slow: false, matches: one => same(one, encoded) || same(`{PLAIN}${one}`, encoded) }
  }
  const bytes = decodeBase64(sha[2]!)
  const salted = sha[1] !== ''
  if (bytes === undefined || bytes.length < SHA1_BYTES || (!salted && bytes.length > SHA1_BYTES))
    return undefined
  const [digest, salt] = [bytes.subarray(0, SHA1_BYTES), bytes.subarray(SHA1_BYTES)]
  return {
    slow: false,
    matches: one => timingSafeEqual(hash('sha1', Buffer.concat([Buffer.from(one), salt]), 'buffer'), digest),
  }
}

/** Standard base64 with its padding; undefined when it is none. */
export function decodeBase64(text: string): Buffer | undefined {
  const whole = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)
  return whole ? Buffer.from(text, 'base64') : undefined
}

/** Takes as long whatever the texts have in common, their lengths included. */
export function same(a: string, b: string): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}
