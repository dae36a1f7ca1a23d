import assert from 'node:assert/strict'
import { test } from 'node:test'
import { config } from '../../../exporters/file/config.ts'
import { readConfig, tryConfig } from '../../kit/read-config.ts'

// Scenario: only the path is written, then null sections.
// Guarantees: the Collector's defaults; `rotation:` alone turns rotation on.
test('defaults are those of the Collector', () => {
  const { rotation, ...rest } = readConfig(config, { path: 'x' })
  assert.equal(rotation, undefined)
  assert.deepEqual(rest, {
    path: 'x',
    format: 'json',
    encoding: '',
    compression: '',
    compression_params: { level: 0 },
    append: false,
    flush_interval: 1000,
    create_directory: false,
    directory_permissions: '',
    group_by: { enabled: false, resource_attribute: 'fileexporter.path_segment', max_open_files: 100 },
  })
  assert.deepEqual(readConfig(config, { path: 'x', rotation: null }).rotation, {
    max_megabytes: 100,
    max_days: 0,
    max_backups: 100,
    localtime: false,
  })
})

// Scenario: configs that the Collector refuses, one mistake each.
// Guarantees: each is refused here too, and says what to do.
test('mistakes', () => {
  const group_by = { enabled: true }
  const mistakes: [Record<string, unknown>, RegExp][] = [
    [{}, /path: is missing/],
    [{ path: '' }, /path: is empty/],
    [{ path: 'x', append: true, rotation: {} }, /append: does not go with rotation/],
    [{ path: 'x', format: 'yaml' }, /"yaml" is not one of its values/],
    [{ path: 'x', compression: 'gzip' }, /"gzip" is not one of its values/],
    [{ path: 'x', encoding: 'my_encoding' }, /there is no encoding extension "my_encoding"; use format/],
    [{ path: 'x', directory_permissions: '0755' }, /directory_permissions: needs create_directory/],
    [
      { path: 'x', create_directory: true, directory_permissions: '0999' },
      /"0999" is not an octal number up to 777/,
    ],
    [{ path: 'x', create_directory: true, directory_permissions: '10777' }, /"10777" is not an octal number/],
    [{ path: 'x', group_by }, /path: needs exactly one \*/],
    [{ path: 'a*b*', group_by }, /path: needs exactly one \*/],
    [{ path: '*.json', group_by }, /path: must not begin with \*/],
    [{ path: 'a*', group_by: { enabled: true, resource_attribute: '' } }, /empty resource_attribute/],
  ]
  for (const [plain, expected] of mistakes) {
    const { problems } = tryConfig(config, plain)
    assert.equal(problems.length, 1, JSON.stringify(plain))
    assert.match(problems[0]!, expected)
  }
})
