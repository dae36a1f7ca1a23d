/**
 * OTLP over gRPC, 512 spans a request, into Elasticsearch as Jaeger's documents: what the gateway costs, beside Jaeger's own
 * writer with the same YAML. `node bench/elasticsearch.ts [--quick] [gzip]`; bench/README.md.
 *
 * Every server is given the same number of requests, the same ones in flight, and is measured until the last span can be
 * counted in Elasticsearch, which is the same one for all. Jaeger leaves it to Elasticsearch to give documents ids, so that what
 * is sent twice is there twice: the gateway is there as it is, and doing that.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { count } from '../test/kit/es-search.ts'
import { elasticsearchUrl } from '../test/services/elasticsearch.ts'
import { FreshRequests, type Server, startJaegerCollector, startOurs } from './elasticsearch-servers.ts'
import { cpuUs, IN_FLIGHT, open, rss, SPANS, sendOne } from './kafka-servers.ts'

const quick = process.argv.includes('--quick')
const REQUESTS = quick ? 60 : 100
/** V8 goes on optimizing for some hundred thousand spans. */
const WARM_UP = quick ? 60 : 400
/** What runs once a request is optimized last: after 3,000 of them. Small ones do, many at once, as they wait for each other. */
const SMALL = { spans: 8, requests: quick ? 400 : 4000, inFlight: 200 } as const
const ROUNDS = quick ? 1 : 9

const url = await elasticsearchUrl()
const requests = new FreshRequests(SPANS)
const small = new FreshRequests(SMALL.spans)

async function send(server: Server, many: number, from = requests, inFlight = IN_FLIGHT): Promise<void> {
  const session = open(server)
  let left = many
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const request = from.next()
      // A full queue refuses; an SDK would come again.
      while (!(await sendOne(session, request))) await sleep(20)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  session.close()
  server.sent += many * from.spans
  // A small node is too busy to answer at times.
  const there = () => count(url, `${server.prefix}-jaeger-span-*`).catch(() => 0)
  while ((await there()) < server.sent) await sleep(200)
}

/** The sender hears when Elasticsearch has it; Jaeger, too, has no queue in front of its bulk requests. */
const AWAITED = { queue: { wait_for_result: true } }

const groups: Readonly<Record<string, object>> = {
  gzip: {},
  'no compression': { http_compression: false },
}
const wanted = process.argv.slice(2).filter(word => !word.startsWith('--'))
const unknown = wanted.find(word => !(word in groups))
if (unknown !== undefined)
  throw new Error(`there is no group "${unknown}": ${Object.keys(groups).join(', ')}`)

for (const [name, backend] of Object.entries(groups)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const servers = [
    await startOurs('sluice', url, backend, AWAITED),
    await startOurs('sluice, no ids', url, { ...backend, deterministic_ids: false }, AWAITED),
    await startJaegerCollector(url, backend),
  ]
  const rounds = new Map<Server, number[]>(servers.map(server => [server, []]))
  for (const server of servers) {
    await send(server, SMALL.requests, small, SMALL.inFlight)
    await send(server, WARM_UP)
  }
  for (let round = 0; round < ROUNDS; round++) {
    // Who begins changes, so that nobody always has the cold cluster.
    for (let turn = 0; turn < servers.length; turn++) {
      const server = servers[(round + turn) % servers.length]!
      const before = cpuUs(server)
      await send(server, REQUESTS)
      rounds.get(server)!.push((cpuUs(server) - before) / (REQUESTS * SPANS))
    }
  }
  console.log(
    `\nOTLP gRPC ${SPANS} -> Elasticsearch, ${name}; CPU us for each span, and how much more Jaeger needs`,
  )
  const jaeger = servers.at(-1)!
  for (const server of servers) {
    const us = rounds.get(server)!
    const [low, middle, high] = spread(us)
    const [least, ratio, most] = spread(us.map((one, i) => rounds.get(jaeger)![i]! / one))
    const memory = `${rss(server).peak.toFixed(0)} MiB at most, ${(rss(server).peak / rss(jaeger).peak).toFixed(2)}x`
    console.log(
      `${server.name.padEnd(16)} ${middle.toFixed(2)}  (${low.toFixed(2)} to ${high.toFixed(2)})`.padEnd(42),
      `${ratio.toFixed(2)}x (${least.toFixed(2)} to ${most.toFixed(2)})`.padEnd(26),
      memory,
    )
  }
  for (const server of servers) await server.running.stop()
}
process.exit()

/** Lowest, median, highest. */
function spread(values: readonly number[]): [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b)
  return [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!]
}
