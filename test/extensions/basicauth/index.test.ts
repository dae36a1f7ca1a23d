import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ClientAuthenticator, ServerAuthenticator } from '../../../core/component/extensions.ts'
import { NO_META } from '../../../core/component/meta.ts'
import { Refused, Rejected } from '../../../core/component/outcome.ts'
import { factory } from '../../../extensions/basicauth/index.ts'
import { emptyFolder, until } from '../../kit/files.ts'
import { ATTEMPTS, basic, HTPASSWD, PASSWORD } from '../../kit/htpasswd.ts'
import { testSettings } from '../../kit/parts.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

async function start<T>(t: TestContext, config: Record<string, unknown>) {
  const settings = testSettings('extension', 'basicauth')
  const extension = factory.create(readConfig(factory.config, config), settings)
  t.after(() => extension.stop(0))
  await extension.start()
  return { extension: extension as unknown as T, settings }
}

const showing = (authorization: string) => ({
  values: (name: string) => (name === 'authorization' ? [authorization] : []),
})

/** What it said: the identity as an object, or the error. */
async function ask(server: ServerAuthenticator, authorization: string): Promise<unknown> {
  try {
    return Object.fromEntries(await server.authenticate(showing(authorization)))
  } catch (error) {
    return error
  }
}

// Scenario: every kind of entry, with the right password and others, each twice, and headers that are none.
// Guarantees: who should gets in, with name and raw as attributes; the others are UNAUTHENTICATED, and nothing that was
// shown is in an error or in the log.
test('who is in the htpasswd gets in', async t => {
  const { extension: server, settings } = await start<ServerAuthenticator>(t, {
    htpasswd: { inline: HTPASSWD },
  })
  for (const [name, password, gets] of [...ATTEMPTS, ...ATTEMPTS]) {
    const shown = basic(name, password)
    const said = await ask(server, shown)
    if (gets) assert.deepEqual(said, { username: name, raw: shown.slice(6) }, `${name} ${password}`)
    else assert.ok(said instanceof Rejected && said.status === 'UNAUTHENTICATED', `${name} ${password}`)
  }
  for (const [shown, why] of [
    ['', 'no basic auth provided'],
    ['Bearer x', 'invalid authorization scheme prefix'],
    ['Basic', 'invalid authorization scheme prefix'],
    ['Basic ***', 'invalid authorization format'],
    [`Basic ${Buffer.from('secretname').toString('base64')}`, 'invalid authorization format'],
    [basic('plain', 'secretguess'), 'invalid credentials'],
  ] as const) {
    assert.equal(((await ask(server, shown)) as Error).message, why, shown)
  }
  assert.equal(server.challenge, 'Basic realm="sluice", charset="UTF-8"')
  const lines = JSON.stringify(settings.log.lines)
  assert.match(lines, /"lines":\[/)
  for (const secret of [PASSWORD, 'nosalt', 'nonsense', 'no colon'])
    assert.ok(!lines.includes(secret), secret)
})

// Scenario: one sender with a slow hash sends often.
// Guarantees: its password is checked once: afterwards the answer is there at once, and the same object.
test('a sender that is known is not checked again', async t => {
  const { extension: server } = await start<ServerAuthenticator>(t, { htpasswd: { inline: HTPASSWD } })
  const request = showing(basic('bcrypt2y', PASSWORD))
  const first = server.authenticate(request)
  assert.ok(first instanceof Promise)
  const identity = await first
  assert.equal(server.authenticate(request), identity)
  const wrong = server.authenticate(showing(basic('bcrypt2y', 'x')))
  assert.ok(wrong instanceof Promise)
  await assert.rejects(wrong, /invalid credentials/)
})

// Scenario: more guesses than may wait, at once; then the extension stops while they wait.
// Guarantees: those above the limit, and those that wait at the end, are refused, not rejected: they may try again.
test('guesses wait in a bounded line', async t => {
  const { extension: server } = await start<ServerAuthenticator>(t, { htpasswd: { inline: HTPASSWD } })
  const asked = Array.from({ length: 100 }, (_, i) => ask(server, basic('sha512', `guess ${i}`)))
  await Promise.race(asked.slice(0, 64))
  await (server as unknown as { stop(): Promise<void> }).stop()
  const said = await Promise.all(asked)
  assert.equal(
    said.slice(64).every(one => one instanceof Refused && one.status === 'UNAVAILABLE'),
    true,
  )
  assert.equal(
    said.slice(0, 64).every(one => one instanceof Refused || one instanceof Rejected),
    true,
  )
})

// Scenario: the file has others in it later, then is gone, then cannot be read as one.
// Guarantees: the new ones get in and the old ones do not, without a restart; a file that is gone changes nothing.
// Names of `inline` count more.
test('the file is read again when it changes', async t => {
  const file = join(emptyFolder(t), 'htpasswd')
  writeFileSync(file, `ann:one\nboth:file\n`)
  const { extension: server, settings } = await start<ServerAuthenticator>(t, {
    htpasswd: { file, inline: 'both:inline' },
  })
  const gets = async (name: string, password: string) =>
    !((await ask(server, basic(name, password))) instanceof Error)
  assert.deepEqual(
    [await gets('ann', 'one'), await gets('both', 'file'), await gets('both', 'inline')],
    [true, false, true],
  )
  writeFileSync(`${file}.new`, 'ann:two\n')
  renameSync(`${file}.new`, file)
  await until(() => gets('ann', 'two'))
  assert.equal(await gets('ann', 'one'), false)
  rmSync(file)
  await until(async () => settings.log.lines.some(({ message }) => /Cannot use a file/.test(message)))
  assert.equal(await gets('ann', 'two'), true)
  assert.ok(!JSON.stringify(settings.log.lines).includes('two'))
})

// Scenario: files that are not there, or empty.
// Guarantees: the extension does not start, and says which key it is about.
test('a file that cannot be read keeps it from starting', async t => {
  const folder = emptyFolder(t)
  writeFileSync(join(folder, 'empty'), ' \n')
  for (const name of ['empty', 'missing']) {
    const file = join(folder, name)
    await assert.rejects(start(t, { htpasswd: { file } }), /htpasswd: file ".*(empty|missing)": /)
    await assert.rejects(start(t, { client_auth: { password_file: file } }), /password_file/)
  }
})

// Scenario: names and passwords from the config and from files, which change.
// Guarantees: what is shown is what they have now; a file counts more; a header that was there is replaced.
test('a client shows name and password', async t => {
  const folder = emptyFolder(t)
  const [name, password] = [join(folder, 'name'), join(folder, 'password')]
  const shown = (client: ClientAuthenticator) => {
    const headers: Record<string, string> = { authorization: 'other' }
    client.authorize(headers, NO_META, undefined)
    return headers['authorization']
  }
  const fixed = await start<ClientAuthenticator>(t, { client_auth: { username: 'änn', password: 'a:b' } })
  assert.equal(shown(fixed.extension), basic('änn', 'a:b'))
  assert.equal(fixed.extension.plainTextAllowed, false)
  writeFileSync(name, ' ann\n')
  writeFileSync(password, 'one\n')
  const { extension } = await start<ClientAuthenticator>(t, {
    client_auth: { username: 'x', username_file: name, password: 'y', password_file: password },
  })
  assert.equal(shown(extension), basic('ann', 'one'))
  writeFileSync(password, 'two\n')
  await until(async () => shown(extension) === basic('ann', 'two'))
  writeFileSync(name, 'with:colon')
  await assert.rejects(start(t, { client_auth: { username_file: name } }), /has a ":"/)
})

// Scenario: configs that make no sense.
// Guarantees: each is an error that says what to do, without quoting a secret; what an extension can be used for is known.
test('configs are checked', () => {
  const problems = (plain: unknown) => tryConfig(factory.config, plain).problems.join('\n')
  assert.match(problems({}), /neither htpasswd nor client_auth/)
  assert.match(problems({ htpasswd: {} }), /htpasswd: has neither file nor inline/)
  assert.match(
    problems({ htpasswd: { inline: 'a:b' }, client_auth: { username: 'a' } }),
    /write two extensions/,
  )
  assert.match(problems({ client_auth: { username: 'a:b' } }), /no ":"/)
  const bad = problems({ htpasswd: { inline: 'secret' } })
  assert.match(bad, /inline: line 1 is no entry/)
  assert.ok(!bad.includes('secret;'))
  const offers = (plain: unknown) => factory.offers!(readConfig(factory.config, plain))
  assert.deepEqual(offers({ htpasswd: { inline: 'a:b' } }), ['server_auth'])
  assert.deepEqual(offers({ client_auth: { username: 'a' } }), ['client_auth'])
})
