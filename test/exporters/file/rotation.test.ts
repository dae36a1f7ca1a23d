import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { backupName, freeBackupName, removeOld, rotationBytes } from '../../../exporters/file/rotation.ts'

const NOON = Date.UTC(2026, 0, 10, 12)
const CONFIG = { max_megabytes: 0, max_days: 0, max_backups: 0, localtime: false }

// Scenario: names for files with and without an extension, and one that is taken already.
// Guarantees: the Collector's names; a file that is there is never overwritten.
test('names of old files', async () => {
  assert.equal(backupName('/d/out.json', NOON + 5, false), '/d/out-2026-01-10T12-00-00.005-size.json')
  assert.equal(backupName('out', NOON, false), 'out-2026-01-10T12-00-00.000-size')
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rotation-'))
  const path = join(folder, 'out.json')
  writeFileSync(backupName(path, NOON, false), '')
  assert.equal(await freeBackupName(path, NOON, false), backupName(path, NOON + 1, false))
  rmSync(folder, { recursive: true })
})

// Scenario: five old files, a day apart, beside files that only look similar.
// Guarantees: the newest max_backups stay, older than max_days go, other files are not touched.
test('which old files go', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rotation-'))
  const path = join(folder, 'out.json')
  const others = [
    'out.json',
    'out-notes-size.json',
    'out-2026-01-01T00-00-00.000-size.txt',
    'other-2026-01-01T00-00-00.000-size.json',
  ]
  for (const name of others) writeFileSync(join(folder, name), '')
  for (let day = 0; day < 5; day++) writeFileSync(backupName(path, NOON - day * 86_400_000, false), '')
  const left = async (config: typeof CONFIG): Promise<number> => {
    assert.deepEqual(await removeOld(path, config, NOON + 1000), [])
    return readdirSync(folder).length - others.length
  }
  assert.equal(await left(CONFIG), 5)
  assert.equal(await left({ ...CONFIG, max_backups: 4 }), 4)
  assert.equal(await left({ ...CONFIG, max_days: 2 }), 2)
  assert.equal(await left({ ...CONFIG, max_backups: 1, max_days: 9 }), 1)
  for (const name of others) assert.ok(readdirSync(folder).includes(name), name)
  rmSync(folder, { recursive: true })
})

// Scenario: a limit in megabytes, and none.
// Guarantees: the unit is 2^20 bytes and 0 means 100.
test('the size of a file', () => {
  assert.equal(rotationBytes({ ...CONFIG, max_megabytes: 2 }), 2 * 1024 * 1024)
  assert.equal(rotationBytes(CONFIG), 100 * 1024 * 1024)
})
