/** The servers that stand side by side in a round, and the shots at them: each is measured and counted. */

import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/services/ports.ts'
import { type Body, bodyOf, type Cell, type Door, type Encoding, PACED_SPANS } from './cases.ts'
import { drive, driveAutocannon, type Shot } from './drive.ts'
import { openLoop, openSender } from './paced.ts'
import { LoadServer } from './server.ts'
import { OUTLET, type Target } from './targets.ts'

/** Batches wait 200 ms and are sent on, again after 5 s if that failed; what has not come by then is lost. */
const OUTLET_MS_MAX = 60_000

/** Spans, encoding, requests. */
type Load = readonly [spans: number, encoding: Encoding, requests: number]

/** Compiled code is what runs for days; what runs in the first second is not measured. */
const WARM_UP: readonly Load[] = [
  [10, 'plain', 40_000],
  [512, 'plain', 200],
  [512, 'gzip', 100],
]

/** What every server gets in the case `memory`: small requests, large ones, compressed ones, huge ones. */
const MEMORY_LOAD: readonly Load[] = [
  [10, 'plain', 6000],
  [512, 'plain', 800],
  [512, 'gzip', 250],
  [2000, 'plain', 200],
]

export interface Cores {
  readonly server: number | undefined
  readonly driver: number | undefined
}

export interface PostSettings {
  readonly cores: Cores
  /** Gives it an outlet to export to, and counts there. */
  readonly exporting: boolean
  /** Told what went wrong. */
  readonly problem: (text: string) => void
  readonly outletMsMax?: number
}

/** One server, where it exports to, and the account of what was sent to it. */
export class Post {
  readonly server: LoadServer
  readonly #outlet: LoadServer | undefined
  readonly #sent = { http: 0, grpc: 0 }
  readonly #problem: (text: string) => void
  readonly #outletMsMax: number

  private constructor(server: LoadServer, outlet: LoadServer | undefined, settings: PostSettings) {
    this.server = server
    this.#outlet = outlet
    this.#problem = settings.problem
    this.#outletMsMax = settings.outletMsMax ?? OUTLET_MS_MAX
  }

  /** Throws ServerGone when the target does not start. */
  static async start(target: Target, settings: PostSettings): Promise<Post> {
    const { exporting, cores } = settings
    const port = exporting ? await freePort() : 0
    const outlet = exporting ? await LoadServer.start(OUTLET, cores.driver, port) : undefined
    try {
      return new Post(await LoadServer.start(target, cores.server, port), outlet, settings)
    } catch (error) {
      await outlet?.stop()
      throw error
    }
  }

  get name(): string {
    return this.server.target.name
  }

  /** Spans that arrived so far; undefined where that is told at the end only. */
  async #arrived(
    door: Door,
    body: Body,
    spans: number,
  ): Promise<{ spans: number; kept: number } | undefined> {
    if (this.server.target.counts === 'signal') {
      const { bytes } = await this.server.arrived()
      return { spans: (bytes * spans) / body.plainBytes, kept: Number.NaN }
    }
    const counts = await this.server.counts()
    return counts === undefined ? undefined : { spans: counts.accepted[door], kept: counts.kept }
  }

  /** Waits for the outlet to have so many spans; returns how many it has. */
  async #outletHas(wanted: number): Promise<number> {
    const end = performance.now() + this.#outletMsMax
    for (;;) {
      const { spans } = await this.#outlet!.arrived()
      if (spans >= wanted || performance.now() > end) return spans
      this.server.check()
      await sleep(10)
    }
  }

  /**
   * Measures `act`, which sends so many requests, and counts what arrived. CPU includes exporting, to the last span.
   * Throws when the server ended.
   */
  async #counted<T extends { readonly errors: number }>(
    what: string,
    door: Door,
    spans: number,
    body: Body,
    requests: number,
    act: () => Promise<T>,
  ): Promise<{ hit: T; cpuUs: number; kept: number | null }> {
    const expected = requests * spans
    const before = await this.#arrived(door, body, spans)
    const outletBefore = this.#outlet === undefined ? 0 : (await this.#outlet.arrived()).spans
    const cpuBefore = this.server.tree.cpuUs()
    const hit = await act()
    this.#sent[door] += expected
    const sentOn =
      this.#outlet === undefined ? expected : (await this.#outletHas(outletBefore + expected)) - outletBefore
    const cpuUs = this.server.tree.cpuUs() - cpuBefore
    this.server.check()
    const after = await this.#arrived(door, body, spans)
    if (hit.errors > 0) this.#problem(`${what}: ${hit.errors} of ${requests} requests failed`)
    if (before !== undefined && after !== undefined && Math.round(after.spans - before.spans) !== expected)
      this.#problem(`${what}: ${Math.round(after.spans - before.spans)} of ${expected} spans arrived`)
    if (sentOn !== expected) this.#problem(`${what}: ${sentOn} of ${expected} spans were exported`)
    const kept = ((after?.kept ?? Number.NaN) - (before?.kept ?? Number.NaN)) / expected
    return { hit, cpuUs, kept: Number.isNaN(kept) ? null : kept }
  }

  async #shots(door: Door, loads: readonly Load[], scale: number, why: string): Promise<void> {
    for (const [spans, encoding, wanted] of loads) {
      const requests = Math.max(20, Math.round(wanted * scale))
      const body = bodyOf(spans, encoding)
      const what = `${this.name} ${why} ${door} ${encoding} ${spans}`
      await this.#counted(what, door, spans, body, requests, () =>
        drive(door, { port: this.server.ports[door], requests, body }),
      )
    }
  }

  async warmUp(doors: readonly Door[], scale: number): Promise<void> {
    for (const door of this.server.target.doors)
      if (doors.includes(door)) await this.#shots(door, WARM_UP, scale, 'warm-up')
  }

  async shoot({ case: name, door, spans, encoding, requests }: Cell) {
    const body = bodyOf(spans, encoding)
    const what = `${this.name} ${name} ${door} ${encoding} ${spans}`
    const send = name === 'autocannon' ? driveAutocannon : (shot: Shot) => drive(door, shot)
    const { hit, cpuUs, kept } = await this.#counted(what, door, spans, body, requests, () =>
      send({ port: this.server.ports[door], requests, body }),
    )
    return { cpuUs: cpuUs / requests, p50Ms: hit.p50Ms, p99Ms: hit.p99Ms, kept }
  }

  /** `rate` is in spans a second. The first second opens the connections and is not measured. */
  async pace(door: Door, rate: number, seconds: number) {
    const body = bodyOf(PACED_SPANS, 'plain')
    const intervalMs = (1000 * PACED_SPANS) / rate
    const sender = openSender(door, this.server.ports[door], body)
    const run = (forSeconds: number, why: string) => {
      const requests = Math.ceil((forSeconds * 1000) / intervalMs)
      const what = `${this.name} ${why} ${door}`
      const act = () => openLoop(sender.send, requests, intervalMs)
      return this.#counted(what, door, PACED_SPANS, body, requests, act)
    }
    try {
      await run(Math.min(1, seconds), 'pacing up')
      const { hit, cpuUs } = await run(seconds, 'paced')
      const { p50Ms, p99Ms, lateMs } = hit
      return { cpuPercent: cpuUs / (seconds * 10_000), p50Ms, p99Ms, lateMs }
    } finally {
      sender.close()
    }
  }

  async memory(door: Door, scale: number) {
    const { now: startMib } = this.server.tree.rssMib()
    await this.#shots(door, MEMORY_LOAD, scale, 'memory')
    const { now: endMib, peak: peakMib } = this.server.tree.rssMib()
    return { startMib, peakMib, endMib }
  }

  /** Ends it, unless it ended before; one that counts at its end only is asked now. */
  async stop(): Promise<void> {
    const early = await this.server.stop()
    await this.#outlet?.stop()
    const reported = this.server.reported()
    if (early || reported === undefined) return
    for (const door of ['http', 'grpc'] as const) {
      if (reported[door] !== this.#sent[door])
        this.#problem(`${this.name} ${door}: ${reported[door]} of ${this.#sent[door]} spans arrived`)
    }
  }
}
