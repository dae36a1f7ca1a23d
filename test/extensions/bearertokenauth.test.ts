import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ClientAuthenticator, ServerAuthenticator } from '../../core/component/extensions.ts'
import { NO_META } from '../../core/component/meta.ts'
import { Rejected } from '../../core/component/outcome.ts'
import { factory } from '../../extensions/bearertokenauth.ts'
import { emptyFolder, until } from '../kit/files.ts'
import { testSettings } from '../kit/parts.ts'
import { readConfig, tryConfig } from '../kit/read-config.ts'

async function start(t: TestContext, config: Record<string, unknown>) {
  const extension = factory.create(
    readConfig(factory.config, config),
    testSettings('extension', 'bearertokenauth'),
  )
  t.after(() => extension.stop(0))
  await extension.start()
  return extension as unknown as ServerAuthenticator & ClientAuthenticator
}

/** 'in', or why not. */
function ask(server: ServerAuthenticator, shown: string | undefined, header = 'authorization'): string {
  try {
    const values = (name: string) => (shown !== undefined && name === header ? [shown, 'second'] : [])
    assert.equal((server.authenticate({ values }) as ReadonlyMap<string, string>).size, 0)
    return 'in'
  } catch (error) {
    assert.ok(error instanceof Rejected && error.status === 'UNAUTHENTICATED')
    assert.ok(!error.message.includes('guess'))
    return error.message
  }
}

function shown(client: ClientAuthenticator): Record<string, string> {
  const headers = { authorization: 'own' }
  client.authorize(headers, NO_META, undefined)
  return headers
}

const NOT_THIS = 'provided authorization does not match expected scheme or token'

// Scenario: one token, several, a token with words behind it, another header and no scheme; right and wrong ones.
// Guarantees: the exact text gets in, and nothing else; the answer to others never has what they showed.
test('who shows a token gets in', async t => {
  const one = await start(t, { token: 'token and comment' })
  assert.equal(ask(one, 'Bearer token'), 'in')
  for (const wrong of [
    'bearer token',
    'Bearer token ',
    'Bearer token and comment',
    'token',
    'Bearer ',
    'guess',
  ])
    assert.equal(ask(one, wrong), NOT_THIS, wrong)
  assert.equal(ask(one, undefined), 'missing or empty authorization header: Authorization')
  assert.equal(one.challenge, 'Bearer realm="sluice"')
  const several = await start(t, { scheme: 'Token', tokens: ['first one', 'second'] })
  assert.deepEqual(
    ['Token first one', 'Token second', 'Token first'].map(token => ask(several, token)),
    ['in', 'in', NOT_THIS],
  )
  assert.equal(several.challenge, 'Token realm="sluice"')
  const own = await start(t, { header: 'X-Api-Key', scheme: '', token: 'key' })
  assert.equal(ask(own, 'key', 'x-api-key'), 'in')
  assert.match(ask(own, 'key'), /missing .*: X-Api-Key/)
  assert.equal(own.challenge, undefined)
})

// Scenario: exporters with the same configs.
// Guarantees: the first token is shown, in place of what was there, and never without TLS over gRPC.
test('the first token is shown', async t => {
  assert.deepEqual(shown(await start(t, { token: 'token and comment' })), { authorization: 'Bearer token' })
  assert.deepEqual(shown(await start(t, { tokens: ['a b', 'c'] })), { authorization: 'Bearer a b' })
  const own = await start(t, { header: 'X-Api-Key', scheme: '', token: 'key' })
  assert.deepEqual(shown(own), { authorization: 'own', 'x-api-key': 'key' })
  assert.equal(own.plainTextAllowed, false)
})

// Scenario: tokens in a file, with comments and empty lines, which changes while it is used.
// Guarantees: both sides follow it; the old tokens are no good any more.
test('a file is followed', async t => {
  const filename = join(emptyFolder(t), 'tokens')
  writeFileSync(filename, '\n first # of ann\n\nsecond\tof bob\n')
  const extension = await start(t, { filename })
  assert.deepEqual(
    ['first', 'second', '#', 'of'].map(token => ask(extension, `Bearer ${token}`)),
    ['in', 'in', NOT_THIS, NOT_THIS],
  )
  writeFileSync(filename, 'third\n')
  await until(() => shown(extension)['authorization'] === 'Bearer third')
  assert.deepEqual([ask(extension, 'Bearer third'), ask(extension, 'Bearer first')], ['in', NOT_THIS])
  await assert.rejects(start(t, { filename: `${filename}.missing` }), /cannot use filename ".*": ENOENT/)
})

// Scenario: configs that make no sense, and the printed form of one that does.
// Guarantees: errors and warnings say what to do; tokens are printed nowhere.
test('configs are checked, and tokens not printed', () => {
  const problems = (plain: unknown) => tryConfig(factory.config, plain).problems.join('\n')
  assert.match(problems({}), /has no token; write token:, tokens: or filename:/)
  assert.match(problems({ token: 'a', tokens: ['b'] }), /stands beside token/)
  assert.match(problems({ filename: 'f', token: 'a' }), /warning: token: has no effect beside filename/)
  assert.match(problems({ filename: 'f', tokens: ['a'] }), /warning: filename: has no effect beside tokens/)
  assert.match(problems({ tokens: ['se\ncret'] }), /tokens: has one with a line break/)
  assert.match(problems({ token: 'a b' }), /warning: token: is more than one word/)
  assert.match(problems({ token: 'a', header: 'a b' }), /not a header name/)
  const config = readConfig(factory.config, { tokens: ['secret'] })
  assert.deepEqual((factory.config.print(config, false) as { tokens: unknown }).tokens, ['[REDACTED]'])
})
