/**
 * `cookies` of an HTTP client: what a server sets comes back to it, so that a load balancer keeps sending to the same
 * place. RFC 6265 for clients that speak to few hosts: a cookie goes back to the host that set it and to no other,
 * whatever its Domain says.
 */

import { parseCookie } from 'undici'

/** More than any balancer sets; what is set beyond them takes the place of the oldest. */
const COOKIES_MAX = 50
const COOKIE_BYTES_MAX = 4096

interface Kept {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly path: string
  readonly secure: boolean
  /** ms since the epoch. */
  readonly until: number
}

export class CookieJar {
  /** By host, path and name; the oldest first. */
  readonly #kept = new Map<string, Kept>()

  /** `lines` are the values of Set-Cookie in an answer from `url`. */
  take(url: URL, lines: readonly string[], now: number): void {
    for (const line of lines) {
      if (line.length > COOKIE_BYTES_MAX) continue
      const cookie = parseCookie(line)
      if (cookie === null || cookie.name === '' || !mayStand(cookie.name) || !mayStand(cookie.value)) continue
      const path = cookie.path?.startsWith('/') ? cookie.path : folderOf(url.pathname)
      const until = lifetime(cookie, now)
      const key = `${url.hostname} ${path} ${cookie.name}`
      this.#kept.delete(key)
      if (until <= now) continue
      const { name, value, secure = false } = cookie
      this.#kept.set(key, { name, value, host: url.hostname, path, secure, until })
      if (this.#kept.size > COOKIES_MAX) this.#kept.delete(this.#kept.keys().next().value!)
    }
  }

  /** The value of Cookie for a request; undefined when there is none to send. Longer paths come first. */
  header(url: URL, now: number): string | undefined {
    const fitting = [...this.#kept.values()].filter(
      ({ host, path, secure, until }) =>
        host === url.hostname &&
        until > now &&
        (!secure || url.protocol === 'https:') &&
        isBelow(url.pathname, path),
    )
    if (fitting.length === 0) return undefined
    fitting.sort((a, b) => b.path.length - a.path.length)
    return fitting.map(({ name, value }) => `${name}=${value}`).join('; ')
  }
}

/** Nothing that would end the header or begin another cookie. */
function mayStand(text: string): boolean {
  return /^[\x21-\x3a\x3c-\x7e]*$/.test(text)
}

function folderOf(pathname: string): string {
  return pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')))
}

function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}

function lifetime(cookie: { maxAge?: number; expires?: Date | number }, now: number): number {
  if (cookie.maxAge !== undefined) return now + cookie.maxAge * 1000
  const time = cookie.expires === undefined ? Number.NaN : Number(cookie.expires)
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time
}
