import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileState } from '../../config/sources.ts'
import { watchFiles } from '../../gateway/watch.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-watch-'))
after(() => rmSync(root, { recursive: true }))

const stateOf = (path: string): string => fileState(statSync(path, { bigint: true, throwIfNoEntry: false }))

// Scenario: a watched file is written in place, replaced as editors do it, behind a link that is turned as Kubernetes
// does it for a ConfigMap, deleted, and written again; then another file comes to the watch.
// Guarantees: each is seen, once; afterwards the next change is seen too.
test('every way to change a file is seen', { timeout: 20_000 }, async t => {
  const path = join(root, 'sluice.yaml')
  for (const version of ['1', '2', '3']) {
    mkdirSync(join(root, version))
    writeFileSync(join(root, version, 'sluice.yaml'), version)
  }
  const data = join(root, '..data')
  symlinkSync('1', data)
  symlinkSync(join('..data', 'sluice.yaml'), path)
  const turn = (version: string): void => {
    symlinkSync(version, join(root, '..tmp'))
    renameSync(join(root, '..tmp'), data)
  }
  let watched = [path]
  let files = new Map<string, string>()
  const read = (): void => {
    files = new Map(watched.map(one => [one, stateOf(one)]))
  }
  read()
  let calls = 0
  let told = Promise.withResolvers<void>()
  const end = watchFiles({
    files: () => files,
    everyMs: 5,
    changed: async () => {
      calls++
      read()
      told.resolve()
    },
  })
  t.after(end)
  const other = join(root, 'other.yaml')
  const changes: (() => void)[] = [
    () => writeFileSync(path, 'in place'),
    () => turn('2'),
    () => turn('3'),
    () => {
      writeFileSync(join(root, 'new'), 'x')
      renameSync(join(root, 'new'), path)
    },
    () => rmSync(path),
    () => {
      writeFileSync(path, 'back')
      watched = [path, other]
    },
    () => writeFileSync(other, 'here'),
  ]
  for (const [i, change] of changes.entries()) {
    told = Promise.withResolvers()
    change()
    await told.promise
    assert.equal(calls, i + 1)
  }
})
