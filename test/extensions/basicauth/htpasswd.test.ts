import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeBase64, parseHtpasswd } from '../../../extensions/basicauth/htpasswd.ts'
import { BAD_LINES, HTPASSWD, STORED } from '../../kit/htpasswd.ts'

// Scenario: a file with every kind of entry and of mistake.
// Guarantees: entries by name, the last of a name; numbers of the lines that are none, never what is in them.
test('a file is read line by line', () => {
  const { users, badLines } = parseHtpasswd(HTPASSWD)
  const good = Object.keys(STORED).length
  assert.deepEqual(
    badLines,
    BAD_LINES.map((_, i) => good + i + 1),
  )
  const names = [...Object.keys(STORED), 'spaced', 'twice', 'colons', 'empty', 'broken-bcrypt']
  assert.deepEqual([...users.keys()], names)
  for (const [name, stored] of Object.entries(STORED))
    assert.equal(users.get(name)!.slow, stored.startsWith('$'), name)
})

// Scenario: base64 with and without padding, in the URL alphabet, with other characters.
// Guarantees: the standard form alone is taken.
test('base64 is the standard one', () => {
  assert.equal(decodeBase64('YTpi')!.toString(), 'a:b')
  assert.equal(decodeBase64('')!.toString(), '')
  for (const wrong of ['YTp', 'YQ', 'YTp_', 'YT-i', 'YTpi\n', 'Y===', '****'])
    assert.equal(decodeBase64(wrong), undefined, wrong)
})
