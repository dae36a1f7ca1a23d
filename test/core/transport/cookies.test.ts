import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CookieJar } from '../../../core/transport/cookies.ts'

const HTTPS = new URL('https://a.test/v1/traces')

// Scenario: cookies with every attribute, from one host; requests to that host, to others, below other paths, later.
// Guarantees: each goes back where RFC 6265 says, and to no other host.
test('cookies go back to the host that set them', () => {
  const jar = new CookieJar()
  jar.take(
    HTTPS,
    [
      'route=one; Path=/; HttpOnly',
      'deep=two; Path=/v1/traces',
      'here=three',
      'safe=four; Secure; Path=/',
      'wide=five; Domain=test; Path=/',
      'short=six; Max-Age=10; Path=/',
      'past=seven; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/',
    ],
    1000,
  )
  const header = (url: string, now = 1000) => jar.header(new URL(url), now)
  assert.equal(
    header('https://a.test/v1/traces'),
    'deep=two; here=three; route=one; safe=four; wide=five; short=six',
  )
  assert.equal(header('http://a.test/v1/traces'), 'deep=two; here=three; route=one; wide=five; short=six')
  assert.equal(header('https://a.test/v1/traces2'), 'here=three; route=one; safe=four; wide=five; short=six')
  assert.equal(header('https://a.test/', 11_000), 'route=one; safe=four; wide=five')
  assert.equal(header('https://b.test/v1/traces'), undefined)
  assert.equal(header('https://sub.a.test/v1/traces'), undefined)
})

// Scenario: a cookie is set again, taken back, malformed, too long; and a thousand of them.
// Guarantees: the last one counts; what cannot be sent is not kept; the number is bounded.
test('cookies are replaced and bounded', () => {
  const jar = new CookieJar()
  jar.take(HTTPS, ['a=1; Path=/', 'a=2; Path=/', 'b=1; Path=/', 'b=; Max-Age=0; Path=/'], 0)
  jar.take(HTTPS, ['c=1 2; Path=/', '=x', `d=${'x'.repeat(5000)}`, 'e="q\u00fc"; Path=/'], 0)
  assert.equal(jar.header(HTTPS, 0), 'a=2')
  jar.take(
    HTTPS,
    Array.from({ length: 1000 }, (_, i) => `n${i}=1; Path=/`),
    0,
  )
  assert.equal(jar.header(HTTPS, 0)!.split('; ').length, 50)
})
