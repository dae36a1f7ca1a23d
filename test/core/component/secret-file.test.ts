import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SecretFile } from '../../../core/component/secret-file.ts'
import { emptyFolder, until } from '../../kit/files.ts'
import { RecordingLog } from '../../kit/parts.ts'

async function start(t: TestContext, path: string, use?: (text: string) => void) {
  const log = new RecordingLog()
  const file = new SecretFile({ key: 'filename', path, log, ...(use === undefined ? {} : { use }) })
  t.after(() => file.stop())
  await file.start()
  return { file, log }
}

// Scenario: a secret as Kubernetes mounts it: a link to a file in a folder that a second link names, which is turned.
// Guarantees: the new text is used, and told of without its text.
test('a mounted secret that is renewed', async t => {
  const folder = emptyFolder(t)
  for (const [version, text] of [
    ['1', 'first\n'],
    ['2', ' second '],
  ] as const) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'token'), text)
  }
  symlinkSync('1', join(folder, 'data'))
  symlinkSync(join('data', 'token'), join(folder, 'token'))
  const used: string[] = []
  const { file, log } = await start(t, join(folder, 'token'), text => used.push(text))
  assert.equal(file.text, 'first')
  symlinkSync('2', join(folder, 'new'))
  renameSync(join(folder, 'new'), join(folder, 'data'))
  rmSync(join(folder, '1'), { recursive: true })
  await until(() => file.text === 'second')
  assert.deepEqual(used, ['first', 'second'])
  assert.deepEqual(
    log.lines.map(({ message }) => message),
    ['Read a file that has changed'],
  )
  assert.ok(!JSON.stringify(log.lines).includes('second'))
})

// Scenario: a file that becomes empty, is of no use, is gone, and is good again.
// Guarantees: what it had before stays in use all the time; each fault is warned of.
test('a file that is broken for a while', async t => {
  const path = join(emptyFolder(t), 'token')
  writeFileSync(path, 'good')
  const { file, log } = await start(t, path, text => {
    if (text === 'bad') throw new Error('of no use')
  })
  const faults = () =>
    log.lines.filter(({ level }) => level === 'warn').map(({ fields }) => String(fields['error']))
  for (const [nth, spoil] of [
    () => writeFileSync(path, ''),
    () => writeFileSync(path, 'bad'),
    () => rmSync(path),
  ].entries()) {
    spoil()
    await until(() => faults().length === nth + 1)
    assert.equal(file.text, 'good')
  }
  const [empty, bad, gone] = faults() as [string, string, string]
  assert.match(empty, /^cannot use filename ".*": it is empty$/)
  assert.equal(bad, 'of no use')
  assert.match(gone, /ENOENT/)
  writeFileSync(path, 'better')
  await until(() => file.text === 'better')
})

// Scenario: files that are not there, empty, and far too large.
// Guarantees: start fails with the key and the reason.
test('a file that is of no use from the start', async t => {
  const folder = emptyFolder(t)
  writeFileSync(join(folder, 'empty'), '\n')
  writeFileSync(join(folder, 'large'), 'x'.repeat(2 * 1024 * 1024))
  await assert.rejects(start(t, join(folder, 'missing')), /^Error: cannot use filename ".*missing": ENOENT/)
  await assert.rejects(start(t, join(folder, 'empty')), /it is empty/)
  await assert.rejects(start(t, join(folder, 'large')), /it has more than 1048576 bytes/)
})
