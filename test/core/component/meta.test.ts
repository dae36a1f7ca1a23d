import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_KEYS, type Meta, partitionKey, partitionMeta } from '../../../core/component/meta.ts'

function sender(username: string | undefined, tenant: string, more: Record<string, string> = {}): Meta {
  const metadata = new Map(
    Object.entries({ 'x-tenant': tenant, ...more }).map(([name, value]) => [name, [value]]),
  )
  return {
    address: '1.2.3.4:5',
    metadata,
    auth: new Map(username === undefined ? [] : [['username', username]]),
  }
}

// Scenario: senders that differ in a header, in who they are, and in a header that looks like who they are.
// Guarantees: two are together only when the keys say the same; `auth.` is what the authenticator said, whatever headers
// pretend.
test('keys keep senders apart', () => {
  const keys = ['X-Tenant', 'auth.username']
  const key = (meta: Meta) => partitionKey(meta, keys)
  assert.equal(key(sender('ann', 'a')), key(sender('ann', 'a', { 'x-other': 'b' })))
  assert.notEqual(key(sender('ann', 'a')), key(sender('bob', 'a')))
  assert.notEqual(key(sender('ann', 'a')), key(sender('ann', 'b')))
  assert.notEqual(key(sender('ann', 'a')), key(sender(undefined, 'a', { 'auth.username': 'ann' })))
  assert.notEqual(key(sender('', 'a')), key(sender(undefined, 'a')))
})

// Scenario: the meta of a merged batch.
// Guarantees: it has what the keys name, of both kinds, and nothing else.
test('a merged batch keeps what its keys name', () => {
  const { address, metadata, auth } = partitionMeta(sender('ann', 'a', { authorization: 'secret' }), [
    'X-Tenant',
    'auth.username',
    'auth.other',
    'missing',
  ])
  assert.equal(address, '')
  assert.deepEqual(Object.fromEntries(metadata), { 'x-tenant': ['a'], missing: [] })
  assert.deepEqual(Object.fromEntries(auth), { username: 'ann' })
})

// Scenario: every key is to count.
// Guarantees: whoever differs in anything but the address is kept apart, and nothing but the address is forgotten.
test('all keys keep everything but the address', () => {
  const key = (meta: Meta) => partitionKey(meta, [ALL_KEYS])
  const ann = sender('ann', 'a')
  assert.equal(key(ann), key({ ...ann, address: 'elsewhere' }))
  assert.notEqual(key(ann), key(sender('bob', 'a')))
  assert.notEqual(key(ann), key(sender('ann', 'a', { more: 'b' })))
  assert.notEqual(key(sender('ann', 'a')), key(sender(undefined, 'a', { username: 'ann' })))
  const { address, metadata, auth } = partitionMeta(ann, [ALL_KEYS])
  assert.deepEqual(
    [address, Object.fromEntries(metadata), Object.fromEntries(auth)],
    ['', { 'x-tenant': ['a'] }, { username: 'ann' }],
  )
})
