import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ipText, parseIp } from '../../../core/formats/ip.ts'

// Scenario: any address as text and back; the text beside the one that URLs have.
// Guarantees: no address changes, and the spelling is the shortest.
test('addresses are read and printed', () => {
  const groups = fc.array(fc.oneof(fc.constant(0), fc.constant(1), fc.nat(0xffff)), {
    minLength: 8,
    maxLength: 8,
  })
  fc.assert(
    fc.property(groups, numbers => {
      const bytes = Uint8Array.from(numbers.flatMap(one => [one >>> 8, one & 0xff]))
      const text = ipText(bytes)!
      if (text.includes('.')) return
      assert.equal(new URL(`http://[${bytes.length === 16 ? longText(numbers) : ''}]`).hostname, `[${text}]`)
      assert.deepEqual(Buffer.from(parseIp(text)!), Buffer.from(bytes))
      assert.deepEqual(Buffer.from(parseIp(longText(numbers))!), Buffer.from(bytes))
    }),
  )
  fc.assert(
    fc.property(fc.ipV4(), text => {
      assert.equal(ipText(parseIp(text)!), text)
    }),
  )
})

function longText(groups: readonly number[]): string {
  return groups.map(one => one.toString(16).padStart(4, '0')).join(':')
}

// Scenario: spellings at the edge, and texts that are no addresses.
// Guarantees: IPv4 in IPv6's clothes is IPv4; zones, names and ports are refused.
test('edges of addresses', () => {
  const canonical = (text: string): string | undefined => {
    const bytes = parseIp(text)
    return bytes && ipText(bytes)
  }
  assert.equal(canonical('::ffff:1.2.3.4'), '1.2.3.4')
  assert.equal(canonical('::FFFF:0102:0304'), '1.2.3.4')
  assert.equal(canonical('64:ff9b::1.2.3.4'), '64:ff9b::102:304')
  assert.equal(canonical('1::1.2.3.4'), '1::102:304')
  assert.equal(canonical('::1.2.3.4'), '::102:304')
  assert.equal(canonical('1:2:3:4:5:6:1.2.3.4'), '1:2:3:4:5:6:102:304')
  assert.equal(canonical('::'), '::')
  assert.equal(canonical('1::'), '1::')
  assert.equal(canonical('1:0:0:2:0:0:0:3'), '1:0:0:2::3')
  assert.equal(canonical('0:0:1:2:3:4:0:0'), '::1:2:3:4:0:0')
  assert.equal(canonical('10:0:0:1:0:0:0:20'), '10:0:0:1::20')
  for (const wrong of ['', 'localhost', 'fe80::1%eth0', '1.2.3', '01.2.3.4', '[::1]', '1.2.3.4:80', '/tmp/s'])
    assert.equal(parseIp(wrong), undefined, wrong)
  assert.equal(ipText(new Uint8Array(5)), undefined)
})
