/**
 * Runs in a thread: checks passwords against hashes that are slow on purpose. Takes {id, encoded, password}, answers
 * {id, matches}, one after another.
 */

import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'
import { md5Crypt, shaCrypt } from './crypt.ts'
import { same } from './htpasswd.ts'

export interface Question {
  readonly id: number
  readonly encoded: string
  readonly password: string
}

export interface Verdict {
  readonly id: number
  readonly matches: boolean
}

/** False for a hash that is broken. */
export function matchesSlowly(encoded: string, password: string): boolean {
  const [, kind = '', ...parts] = encoded.split('$')
  if (kind.startsWith('2')) {
    // The letter tells which bugs of old the writer did not have; all of today's writers mean the same.
    if (!/^\$2.\$\d\d\$[./A-Za-z0-9]{53}$/.test(encoded)) return false
    return compareSync(password, encoded.replace(/^\$2.\$/, '$2b$'))
  }
  const rounds = parts[0]?.startsWith('rounds=') ? parts.shift() : undefined
  const [salt = '', stored = ''] = parts
  if (kind === '5') return same(shaCrypt('sha256', password, salt, rounds), stored)
  if (kind === '6') return same(shaCrypt('sha512', password, salt, rounds), stored)
  return same(md5Crypt(password, `$${kind}$`, salt), stored)
}

parentPort?.on('message', ({ id, encoded, password }: Question) => {
  parentPort!.postMessage({ id, matches: matchesSlowly(encoded, password) } satisfies Verdict)
})
