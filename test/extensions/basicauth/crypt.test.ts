import assert from 'node:assert/strict'
import { test } from 'node:test'
import { md5Crypt, shaCrypt } from '../../../extensions/basicauth/crypt.ts'
import { matchesSlowly } from '../../../extensions/basicauth/slow-password.ts'
import { PASSWORD, STORED } from '../../kit/htpasswd.ts'

const LONG = 'a password of more than sixty-four bytes, so that it fills several blocks of each digest: ü§'

// Scenario: hashes that glibc and openssl made: empty, one block, several blocks, other rounds, a salt that is too long.
// Guarantees: the same texts.
test('hashes are those of crypt(3)', () => {
  assert.equal(md5Crypt('myPassword', '$apr1$', 'r31.....'), 'HqJZimcKQFAMYayBlzkrA/')
  assert.equal(md5Crypt(LONG, '$1$', 'saltsalt'), 'ZZTR1aDwBDdKqlL4H8yxt0')
  const sha256: [password: string, salt: string, rounds: string | undefined, hash: string][] = [
    ['', 'saltsalt', undefined, '09agN5RZ2meWdEdnEusqsq5G7RwwghB8jCKoWWADxW/'],
    ['Hello world!', 'saltstring', undefined, '5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
    ['Hello world!', 'saltstringsaltstring', 'rounds=10000', '3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
    [LONG, 'saltsalt', undefined, '2xfCdsfM5Yx88iV3sJU8GNMWLQmoT8qWAXivciV3riB'],
  ]
  for (const [password, salt, rounds, hash] of sha256)
    assert.equal(shaCrypt('sha256', password, salt, rounds), hash)
  const sha512: [password: string, salt: string, hash: string][] = [
    [
      '',
      'saltsalt',
      'qkTgsCrWMTAS9gBGcf9W60sFfH.hU0oTCAOJjhbz5tSp/sU3/xXZK4OFwCtq8lIIdpJ6CatVdOTSHKp97TPkt/',
    ],
    [
      'Hello world!',
      'saltstring',
      'svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      LONG,
      'saltsalt',
      '6O6SVIiXFqGr9NWls2KiYDzZrzXjNBrIH7qCisg5BKKYgB21r6pRc7Fd7EEbo3NcpcvG1exnkDvs/Hk5fwb520',
    ],
  ]
  for (const [password, salt, hash] of sha512) assert.equal(shaCrypt('sha512', password, salt), hash)
})

// Scenario: every slow entry of the htpasswd with the right and a wrong password, and entries that are broken.
// Guarantees: the right one matches, and nothing throws.
test('slow entries match their password alone', () => {
  for (const [name, stored] of Object.entries(STORED)) {
    if (!stored.startsWith('$')) continue
    assert.equal(matchesSlowly(stored, PASSWORD), true, name)
    assert.equal(matchesSlowly(stored, `${PASSWORD}!`), false, name)
    assert.equal(matchesSlowly(stored.slice(0, -1), PASSWORD), false, name)
    assert.equal(matchesSlowly(stored, ''), false, name)
  }
  for (const broken of ['$2y$', '$2y$05$short', '$6$', '$5$$', '$apr1$', '$1$x', ''])
    assert.equal(matchesSlowly(broken, PASSWORD), false, broken)
  // Apache's documentation.
  const apache = '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC'
  assert.equal(matchesSlowly(apache, 'myPassword'), true)
})
