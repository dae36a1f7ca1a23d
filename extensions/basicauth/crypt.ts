/**
 * The crypt(3) hashes that htpasswd files have besides bcrypt. Each is slow on purpose: 1,000 to 5,000 rounds and more,
 * ms of CPU.
 *
 *     $apr1$salt$hash               Apache's MD5, `htpasswd -m`, and $1$, which differs in its name only
 *     $5$salt$hash                  SHA-256, `htpasswd -2`; "Unix crypt using SHA-256 and SHA-512", Drepper 2008
 *     $6$rounds=10000$salt$hash     SHA-512, `htpasswd -5`
 */

import { hash } from 'node:crypto'

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Which bytes of a digest make four characters of the text; a last group of fewer makes fewer. */
type Order = readonly (readonly number[])[]

const MD5_ORDER: Order = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [11]]
const SHA256_ORDER: Order = [...rotations(10, [0, 10, 20], [2, 0, 1]), [31, 30]]
const SHA512_ORDER: Order = [...rotations(21, [0, 21, 42], [1, 2, 0]), [63]]

/** The pattern of SHA-crypt: each group is the one before, plus one, with its places changed. */
function rotations(count: number, first: readonly number[], places: readonly number[]): number[][] {
  const groups = [[...first]]
  while (groups.length < count) {
    const before = groups.at(-1)!
    groups.push(places.map(place => before[place]! + 1))
  }
  return groups
}

function encoded(digest: Uint8Array, order: Order): string {
  let text = ''
  for (const group of order) {
    let bits = 0
    for (const index of group) bits = (bits << 8) | digest[index]!
    for (let left = group.length + 1; left > 0; left--) {
      text += ALPHABET[bits & 0x3f]
      bits >>>= 6
    }
  }
  return text
}

const digest = (algorithm: string, ...parts: readonly Uint8Array[]): Buffer<ArrayBufferLike> =>
  hash(algorithm, Buffer.concat(parts), 'buffer')

/** As many bytes as `length` asks for, by repeating `bytes`. */
function repeated(bytes: Uint8Array, length: number): Buffer<ArrayBufferLike> {
  return length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, bytes)
}

/** `magic` is `$apr1$` or `$1$`; the salt has at most 8 characters. The hash alone, 22 characters. */
export function md5Crypt(password: string, magic: string, salt: string): string {
  const secret = Buffer.from(password)
  const salted = Buffer.from(salt)
  const mixed: Buffer<ArrayBufferLike>[] = [secret, Buffer.from(magic), salted]
  mixed.push(repeated(digest('md5', secret, salted, secret), secret.length))
  for (let left = secret.length; left > 0; left >>= 1)
    mixed.push(left & 1 ? Buffer.alloc(1) : secret.subarray(0, 1))
  let last = digest('md5', ...mixed)
  for (let round = 0; round < 1000; round++) {
    const parts = [round & 1 ? secret : last]
    if (round % 3 !== 0) parts.push(salted)
    if (round % 7 !== 0) parts.push(secret)
    parts.push(round & 1 ? last : secret)
    last = digest('md5', ...parts)
  }
  return encoded(last, MD5_ORDER)
}

const ROUNDS_DEFAULT = 5000
const ROUNDS_MIN = 1000
const ROUNDS_MAX = 999_999_999

/** The hash alone. `rounds` as written, `rounds=N`, or undefined. */
export function shaCrypt(
  algorithm: 'sha256' | 'sha512',
  password: string,
  salt: string,
  rounds?: string,
): string {
  const secret = Buffer.from(password)
  const salted = Buffer.from(salt.slice(0, 16))
  const alternate = digest(algorithm, secret, salted, secret)
  const mixed = [secret, salted, repeated(alternate, secret.length)]
  for (let left = secret.length; left > 0; left >>= 1) mixed.push(left & 1 ? alternate : secret)
  let last = digest(algorithm, ...mixed)
  const p = repeated(digest(algorithm, ...Array<Buffer>(secret.length).fill(secret)), secret.length)
  const s = repeated(digest(algorithm, ...Array<Buffer>(16 + last[0]!).fill(salted)), salted.length)
  const wanted = Number(rounds?.replace('rounds=', '') ?? ROUNDS_DEFAULT) || ROUNDS_DEFAULT
  const count = Math.min(Math.max(wanted, ROUNDS_MIN), ROUNDS_MAX)
  for (let round = 0; round < count; round++) {
    const parts = [round & 1 ? p : last]
    if (round % 3 !== 0) parts.push(s)
    if (round % 7 !== 0) parts.push(p)
    parts.push(round & 1 ? last : p)
    last = digest(algorithm, ...parts)
  }
  return encoded(last, algorithm === 'sha256' ? SHA256_ORDER : SHA512_ORDER)
}
