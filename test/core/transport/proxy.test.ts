import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyAuthorization, proxyFromEnvironment } from '../../../core/transport/proxy.ts'

const PROXY = { HTTP_PROXY: 'http://plain:1', https_proxy: 'secure:2' }

// Scenario: the variables in both spellings, empty, and without a scheme.
// Guarantees: each protocol has its own; the upper-case name wins unless it is empty; a bare host:port is http.
test('variables', () => {
  assert.equal(proxyFromEnvironment('http:', 'a.test', 80, PROXY)?.href, 'http://plain:1/')
  assert.equal(proxyFromEnvironment('https:', 'a.test', 443, PROXY)?.href, 'http://secure:2/')
  assert.equal(proxyFromEnvironment('https:', 'a.test', 443, { HTTP_PROXY: 'http://plain:1' }), undefined)
  const both = { HTTPS_PROXY: '', https_proxy: 'http://b:1' }
  assert.equal(proxyFromEnvironment('https:', 'a.test', 443, both)?.host, 'b:1')
  const wrong = { HTTPS_PROXY: 'http://user:secret@:x' }
  assert.throws(
    () => proxyFromEnvironment('https:', 'a.test', 443, wrong),
    error => {
      assert.match((error as Error).message, /^HTTPS_PROXY is not the address of a proxy/)
      assert.doesNotMatch((error as Error).message, /secret/)
      return true
    },
  )
})

// Scenario: NO_PROXY with names, domains, addresses, networks, ports and a star; and this machine.
// Guarantees: Go's rules.
test('exceptions', () => {
  const rows: [noProxy: string, host: string, port: number, exempt: boolean][] = [
    ['', 'localhost', 80, true],
    ['', '127.3.2.1', 80, true],
    ['', '[::1]', 80, true],
    ['', 'a.test', 80, false],
    ['*', 'a.test', 80, true],
    ['a.test', 'a.test', 80, true],
    ['a.test', 'A.Test.', 80, true],
    ['a.test', 'b.a.test', 80, true],
    ['a.test', 'ba.test', 80, false],
    ['.a.test', 'b.a.test', 80, true],
    ['.a.test', 'a.test', 80, false],
    ['*.a.test', 'b.a.test', 80, true],
    ['x.test, a.test', 'a.test', 80, true],
    ['a.test:81', 'a.test', 80, false],
    ['a.test:81', 'a.test', 81, true],
    ['10.0.0.1', '10.0.0.1', 80, true],
    ['10.0.0.0/8', '10.9.8.7', 80, true],
    ['10.0.0.0/8', '11.9.8.7', 80, false],
    ['10.0.0.0/8', 'a.test', 80, false],
    ['10.0.0.0/99', '10.9.8.7', 80, false],
    ['fd00::/8', '[fd00::1]', 80, true],
    ['[fd00::1]:80', 'fd00::1', 80, true],
  ]
  for (const [NO_PROXY, host, port, exempt] of rows) {
    const proxy = proxyFromEnvironment('http:', host, port, { ...PROXY, NO_PROXY })
    assert.equal(proxy === undefined, exempt, `${NO_PROXY} ${host}:${port}`)
  }
})

// Scenario: a proxy with and without a user.
// Guarantees: its password is decoded and sent; without one nothing is.
test('authorization', () => {
  const basic = `Basic ${Buffer.from('u:p@').toString('base64')}`
  assert.equal(proxyAuthorization(new URL('http://u:p%40@h:1')), basic)
  assert.equal(proxyAuthorization(new URL('http://h:1')), undefined)
})
