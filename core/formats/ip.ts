/** IP addresses as texts and bytes, as Go's net.IP reads and prints them. */

import { isIPv4, isIPv6 } from 'node:net'

const V4_SIZE = 4
const V6_SIZE = 16
/** `::ffff:0:0/96`: an IPv4 address in IPv6's clothes. */
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)

/** 4 or 16 bytes; undefined when it is no address. Zones (`fe80::1%eth0`) are none. Mapped IPv4 addresses are 4 bytes. */
export function parseIp(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return parseV4(text)
  if (!isIPv6(text) || text.includes('%')) return undefined
  const lastColon = text.lastIndexOf(':')
  const tail = text.includes('.') ? parseV4(text.slice(lastColon + 1)) : undefined
  const head = tail === undefined ? text : text.slice(0, lastColon + 1).replace(/([^:]):$/, '$1')
  const bytes = new Uint8Array(V6_SIZE)
  const [left = '', right] = head.split('::')
  const end = V6_SIZE - (tail?.length ?? 0)
  writeGroups(bytes, 0, left)
  if (right !== undefined && right !== '') writeGroups(bytes, end - 2 * right.split(':').length, right)
  if (tail !== undefined) bytes.set(tail, end)
  return unmapped(bytes)
}

function parseV4(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number)
}

function writeGroups(bytes: Uint8Array, at: number, groups: string): void {
  if (groups === '') return
  for (const [i, group] of groups.split(':').entries()) {
    const value = Number.parseInt(group, 16)
    bytes[at + 2 * i] = value >>> 8
    bytes[at + 2 * i + 1] = value & 0xff
  }
}

function unmapped(bytes: Uint8Array): Uint8Array {
  const isMapped = MAPPED.every((byte, i) => bytes[i] === byte)
  return isMapped ? bytes.subarray(MAPPED.length) : bytes
}

/** The shortest spelling (RFC 5952); undefined for a length that no address has. */
export function ipText(bytes: Uint8Array): string | undefined {
  if (bytes.length === V4_SIZE) return bytes.join('.')
  if (bytes.length !== V6_SIZE) return undefined
  const short = unmapped(bytes)
  if (short.length === V4_SIZE) return short.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
  const text = groups.join(':')
  // The longest run of zero groups, the first of equal ones, two groups at least.
  const runs = [...text.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)]
  if (runs.length === 0) return text
  const longest = runs.reduce((best, run) => (run[0].length > best[0].length ? run : best))
  const before = text.slice(0, longest.index).replace(/:$/, '')
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '')
  return `${before}::${after}`
}
