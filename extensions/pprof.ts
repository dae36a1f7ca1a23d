/**
 * `pprof`: profiles of the running gateway over HTTP, in V8's own formats, which Chrome DevTools, VS Code and
 * speedscope open. The paths are Go's (`/debug/pprof/profile?seconds=30`, `/debug/pprof/heap`); the content is not,
 * because V8 is not Go. One profile at a time, and none longer than five minutes.
 */

import { createWriteStream, type WriteStream } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { finished } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { integer, section, text, type ValueOf } from '../config/schema.ts'
import type { Extension, ExtensionFactory, Settings } from '../core/component/contract.ts'
import { ADMIN_IGNORED, endpointField } from '../core/transport/admin-config.ts'
import { type AdminServer, type Page, serveAdmin } from '../core/transport/http-admin.ts'

const SECONDS_DEFAULT = 30
const SECONDS_MAX = 300
/** One sample for this many bytes allocated, as V8's own default. */
const HEAP_SAMPLE_BYTES = 32 * 1024

const config = section(
  {
    endpoint: endpointField('localhost:1777'),
    block_profile_fraction: integer({ default: 0, doc: 'Taken; JavaScript has no blocking to profile.' }),
    mutex_profile_fraction: integer({ default: 0, doc: 'Taken; JavaScript has no mutexes to profile.' }),
    save_to_file: text({
      default: '',
      doc: 'File that gets a CPU profile of the whole run when the gateway stops.',
    }),
  },
  { doc: 'CPU and heap profiles over HTTP.', ignored: ADMIN_IGNORED },
)

type Config = ValueOf<typeof config>

export const factory: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'pprof',
  doc: 'CPU and heap profiles of the running gateway, as .cpuprofile and .heapprofile.',
  stability: 'beta',
  // All workers do the same work: a profile of one tells of all.
  workers: 'first',
  config,
  listens: ({ endpoint }) => [{ key: 'endpoint', endpoint, transport: 'tcp' }],
  create: (own, settings) => new Pprof(own, settings),
}

const INDEX = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>/debug/pprof/</title>
<h1>/debug/pprof/</h1>
<p>Open the files with Chrome DevTools, VS Code or speedscope.</p>
<ul>
<li><a href="profile?seconds=10">profile</a>: CPU for <code>?seconds=</code> (default ${SECONDS_DEFAULT}, at most ${SECONDS_MAX})</li>
<li><a href="allocs?seconds=10">allocs</a>: where memory was allocated during <code>?seconds=</code></li>
<li><a href="heap">heap</a>: where the live objects that were allocated in the last second came from</li>
<li><a href="snapshot">snapshot</a>: every object there is; stops the gateway for seconds and holds all its data</li>
<li><a href="cmdline">cmdline</a>: how the gateway was started</li>
</ul>
</html>
`

class Pprof implements Extension {
  readonly addresses = new Map<string, string>()
  readonly #config: Config
  readonly #settings: Settings
  readonly #stopped = new AbortController()
  #server: AdminServer | undefined
  #busy = false
  /** Of `save_to_file`: runs from start to stop. */
  #whole: Session | undefined

  constructor(config: Config, settings: Settings) {
    this.#config = config
    this.#settings = settings
  }

  async start(): Promise<void> {
    if (this.#config.save_to_file !== '') {
      this.#whole = await startCpu()
      this.#busy = true
    }
    this.#server = await serveAdmin(this.#config.endpoint, 'pprof', url => this.#page(url))
    this.addresses.set('http', this.#server.address.replace('http://', ''))
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#server?.close()
    const whole = this.#whole
    this.#whole = undefined
    if (whole === undefined) return
    const file = createWriteStream(this.#config.save_to_file)
    await writeTo(file, await endCpu(whole))
  }

  async #page(url: URL): Promise<Page | undefined> {
    const name = /^\/debug\/pprof\/([a-z]*)$/.exec(url.pathname)?.[1]
    if (name === undefined) return undefined
    if (name === '') return { type: 'text/html; charset=utf-8', body: INDEX }
    if (name === 'cmdline') return { type: 'text/plain; charset=utf-8', body: process.argv.join(' ') }
    const take = PROFILES[name]
    if (take === undefined) return undefined
    const seconds = Number(url.searchParams.get('seconds') ?? SECONDS_DEFAULT)
    if (!(seconds > 0 && seconds <= SECONDS_MAX)) {
      return refusal(400, `seconds must be a number above 0 and at most ${SECONDS_MAX}`)
    }
    if (this.#busy) return refusal(409, 'another profile is being taken; try again when it is done')
    this.#busy = true
    try {
      this.#settings.log.info('Taking a profile', { profile: name, seconds })
      const { body, extension } = await take(seconds, this.#stopped.signal)
      const headers = { 'content-disposition': `attachment; filename="sluice-${name}.${extension}"` }
      return { type: 'application/json', body, headers }
    } finally {
      this.#busy = false
    }
  }
}

function refusal(status: number, why: string): Page {
  return { status, type: 'text/plain; charset=utf-8', body: `${why}\n` }
}

interface Profile {
  readonly body: string
  readonly extension: string
}

const PROFILES: Readonly<Record<string, (seconds: number, stop: AbortSignal) => Promise<Profile>>> = {
  profile: async (seconds, stop) => {
    const session = await startCpu()
    await during(seconds, stop)
    return { body: await endCpu(session), extension: 'cpuprofile' }
  },
  allocs: (seconds, stop) => heapProfile(seconds, stop, true),
  heap: (_seconds, stop) => heapProfile(1, stop, false),
  snapshot,
}

/** Waits, or ends early when the gateway stops. */
async function during(seconds: number, stop: AbortSignal): Promise<void> {
  await wait(seconds * 1000, undefined, { signal: stop }).catch(() => {})
}

function connected(): Session {
  const session = new Session()
  session.connect()
  return session
}

async function startCpu(): Promise<Session> {
  const session = connected()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  return session
}

async function endCpu(session: Session): Promise<string> {
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  return JSON.stringify(profile)
}

async function heapProfile(seconds: number, stop: AbortSignal, collected: boolean): Promise<Profile> {
  const session = connected()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: HEAP_SAMPLE_BYTES,
    includeObjectsCollectedByMajorGC: collected,
    includeObjectsCollectedByMinorGC: collected,
  })
  await during(seconds, stop)
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  return { body: JSON.stringify(profile), extension: 'heapprofile' }
}

async function snapshot(): Promise<Profile> {
  const session = connected()
  const parts: string[] = []
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => parts.push(params.chunk))
  await session.post('HeapProfiler.takeHeapSnapshot')
  session.disconnect()
  return { body: parts.join(''), extension: 'heapsnapshot' }
}

async function writeTo(file: WriteStream, body: string): Promise<void> {
  file.end(body)
  await finished(file)
}
