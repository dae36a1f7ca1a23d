import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Extension } from '../../core/component/contract.ts'
import type { ClientAuthenticator } from '../../core/component/extensions.ts'
import { type Meta, NO_META } from '../../core/component/meta.ts'
import { Refused, Rejected } from '../../core/component/outcome.ts'
import { factory } from '../../extensions/headers-setter.ts'
import { emptyFolder, until } from '../kit/files.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig, tryConfig } from '../kit/read-config.ts'

async function start(
  t: TestContext,
  headers: readonly Record<string, unknown>[],
  more: Record<string, unknown> = {},
  others: Record<string, unknown> = {},
) {
  const settings = testSettings('extension', 'headers_setter')
  for (const [id, extension] of Object.entries(others))
    settings.host.extensions.set(id, extension as Extension)
  const extension = factory.create(readConfig(factory.config, { headers, ...more }), settings)
  t.after(() => extension.stop(0))
  await extension.start()
  return extension as unknown as ClientAuthenticator
}

/** What becomes of these headers. */
async function after(
  client: ClientAuthenticator,
  headers: Record<string, string> = {},
  meta: Meta = NO_META,
): Promise<Record<string, string>> {
  const changed = { ...headers }
  await client.authorize(changed, meta, undefined)
  return changed
}

const META: Meta = {
  address: '',
  metadata: new Map([
    ['x-tenant', ['blue']],
    ['x-many', ['a', 'b']],
  ]),
  auth: new Map([['username', 'ann']]),
}

// Scenario: each action on a header that is there, is empty, and is not there.
// Guarantees: insert, update, upsert and delete do what the Collector's do; without an action it is upsert.
test('actions', async t => {
  const states = [{ 'x-a': 'old' }, { 'x-a': '' }, {}]
  for (const [action, expected] of [
    ['insert', ['old', 'new', 'new']],
    ['update', ['new', '', undefined]],
    ['upsert', ['new', 'new', 'new']],
    [undefined, ['new', 'new', 'new']],
    ['delete', [undefined, undefined, undefined]],
  ] as const) {
    const step = { key: 'X-A', value: 'new', ...(action === undefined ? {} : { action }) }
    const client = await start(t, [step])
    for (const [i, headers] of states.entries())
      assert.equal(
        (await after(client, headers as Record<string, string>))['x-a'],
        expected[i],
        `${action} ${i}`,
      )
    assert.equal(client.plainTextAllowed, true)
  }
})

// Scenario: values from the request's metadata and from what the authenticator said, there and missing.
// Guarantees: the value, or the default, or an empty header; several values are rejected for good.
test('values of the request that brought the data', async t => {
  const client = await start(t, [
    { action: 'upsert', key: 'a', from_context: 'X-Tenant' },
    { action: 'upsert', key: 'b', from_context: 'nobody', default_value: 'default' },
    { action: 'upsert', key: 'c', from_context: 'nobody' },
    { action: 'upsert', key: 'd', from_attribute: 'username' },
    { action: 'upsert', key: 'e', from_attribute: 'nobody', default_value: 'default' },
    { action: 'upsert', key: 'f', from_context: 'username' },
  ])
  assert.deepEqual(await after(client, {}, META), {
    a: 'blue',
    b: 'default',
    c: '',
    d: 'ann',
    e: 'default',
    f: '',
  })
  const several = await start(t, [{ action: 'upsert', key: 'a', from_context: 'x-many' }])
  await assert.rejects(
    after(several, {}, META),
    error => error instanceof Rejected && /2 values/.test(error.message),
  )
})

// Scenario: a value in a file that changes.
// Guarantees: headers have what the file has now.
test('a value in a file', async t => {
  const file = join(emptyFolder(t), 'value')
  writeFileSync(file, 'one\n')
  const client = await start(t, [{ action: 'upsert', key: 'a', value_file: file }])
  assert.deepEqual(await after(client), { a: 'one' })
  writeFileSync(file, 'two\n')
  await until(async () => (await after(client))['a'] === 'two')
})

// Scenario: another authenticator is named, which takes a while, or is not there.
// Guarantees: it does its work first; its secrets stay off plain connections; without it requests are refused, and
// tried again.
test('another authenticator first', async t => {
  const other = {
    start: async () => {},
    stop: async () => {},
    plainTextAllowed: false,
    authorize: async (headers: Record<string, string>) => {
      await new Promise(resolve => setImmediate(resolve))
      headers['authorization'] = 'Bearer x'
      headers['a'] = 'theirs'
    },
    renew: () => true,
  }
  const steps = [{ action: 'update', key: 'a', value: 'ours' }]
  const client = await start(t, steps, { additional_auth: 'other' }, { other })
  assert.deepEqual(await after(client), { authorization: 'Bearer x', a: 'ours' })
  assert.equal(client.plainTextAllowed, false)
  assert.equal(client.renew!({}), true)
  const alone = await start(t, steps, { additional_auth: 'other' })
  await assert.rejects(
    after(alone),
    error => error instanceof Refused && /other does not run/.test(error.message),
  )
})

// Scenario: configs that make no sense.
// Guarantees: each is an error that says what to do; a missing action warns, as in the Collector.
test('configs are checked', () => {
  const problems = (plain: unknown) => tryConfig(factory.config, plain).problems.join('\n')
  assert.match(problems({}), /headers: is missing/)
  assert.match(problems({ headers: [] }), /headers: is empty/)
  assert.match(problems({ headers: [{ action: 'insert', value: 'a' }] }), /key: is missing/)
  assert.match(
    problems({ headers: [{ action: 'insert', key: 'a' }] }),
    /has no value; write one of value, value_file/,
  )
  assert.match(
    problems({ headers: [{ action: 'insert', key: 'a', value: 'b', from_context: 'c' }] }),
    /from_context: stands beside value/,
  )
  assert.match(problems({ headers: [{ action: 'insert', key: 'a', value: 'b\nc' }] }), /line break/)
  assert.match(
    problems({ headers: [{ action: 'add', key: 'a', value: 'b' }] }),
    /"add" is not one of its values/,
  )
  assert.match(
    problems({ headers: [{ key: 'a', value: 'b' }] }),
    /warning: .*has no action, so upsert is used/,
  )
  assert.equal(problems({ headers: [{ action: 'delete', key: 'a' }] }), '')
  const config = readConfig(factory.config, { headers: [{ action: 'insert', key: 'a', value: 'secret' }] })
  assert.ok(!JSON.stringify(factory.config.print(config, false)).includes('secret'))
})
