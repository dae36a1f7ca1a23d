import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { NoRoom, PageRoom } from '../../../receivers/prometheus/page-room.ts'
import { ByHand, own, pages, target } from './kit.ts'

// Scenario: one page takes nearly all the room, then small ones come; all leave, one of them twice.
// Guarantees: small pages get their share however much the large one holds, the large one gets no more, and nothing is
// counted as held in the end.
test('who takes more than a share fails first', () => {
  const room = new PageRoom(1000)
  const large = room.enter()
  large.take(950)
  const small = [room.enter(), room.enter(), room.enter()]
  for (const one of small) one.take(200)
  assert.equal(room.held, 1550)
  assert.throws(() => large.take(1), NoRoom)
  assert.throws(() => small[0]!.take(51), /given up after 200 bytes: 4 pages .* hold 1550 bytes/)
  small[0]!.take(50)
  large.leave()
  for (const one of [...small, small[0]!]) one.leave()
  assert.equal(room.held, 0)
  const next = room.enter()
  assert.equal(next.most, 1000)
})

// Scenario: pages larger than the room, as text, gzipped, and without an end; then a small one.
// Guarantees: they fail with the reason, nothing stays held, and the small one is scraped.
test('pages for which there is no room', { timeout: 30_000 }, async t => {
  const text = `${'# '.repeat(40_000)}\n`
  const address = await target(t, (request, response, nth) => {
    if (nth === 0) response.end(text)
    else if (nth === 1) response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text))
    else if (nth === 2) {
      const more = () => {
        while (!response.destroyed && response.write(text.slice(0, 4096)));
      }
      response.on('drain', more)
      more()
    } else pages('a 1\n')(request, response, nth)
  })
  const room = new PageRoom(50_000)
  const harness = new ByHand(address, {}, {}, room)
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(own(await harness.scrape()), { up: 0 })
    assert.equal(room.held, 0)
  }
  assert.deepEqual(own(await harness.scrape()), { a: 1, up: 1 })
  assert.deepEqual(
    harness.warnings.map(({ reason }) => reason),
    ['no_room', 'no_room', 'no_room'],
  )
  assert.equal(room.held, 0)
})
