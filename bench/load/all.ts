/**
 * Load on whole processes: what a request costs the server in CPU time, at the gateway, at its peers and at sinks that
 * only receive. All stand side by side and take turns case by case, so that a noisy minute hits everybody.
 */

import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { bodyOf, cellsOf, PIPELINES, type Pipeline, type Preset } from './cases.ts'
import { DRIVERS } from './drive.ts'
import { type Cores, Post } from './fleet.ts'
import { type LoadReport, type Machine, placeOf, Recorder } from './report.ts'
import { ServerGone } from './server.ts'
import { COLLECTOR, ROTEL, SLUICE, type Target, targets } from './targets.ts'

export interface LoadOptions extends Preset {
  readonly preset: string
  /** Names; everybody when undefined. */
  readonly targets: readonly string[] | undefined
}

/** Everybody on its own core, so that the driver does not push the server aside. */
function pinSelf(): boolean {
  if (availableParallelism() < 2) return false
  try {
    execFileSync('taskset', ['-a', '-cp', '1', String(process.pid)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Asked once: a pinned process sees one core. */
let pinned: boolean | undefined

/** The version of each peer, asked of its program; the program is the first word of the command. */
function peersOf(all: readonly Target[]): Record<string, string> {
  const peers: Record<string, string> = {}
  for (const { name, command } of all) {
    if (name !== COLLECTOR && name !== ROTEL) continue
    peers[name] = execFileSync(command[0]!, ['--version'], { encoding: 'utf8' }).trim().split(' ').at(-1)!
  }
  return peers
}

class Run {
  readonly #options: LoadOptions
  readonly #targetsOf: (pipeline: Pipeline) => readonly Target[]
  readonly #cores: Cores
  readonly recorder: Recorder
  readonly problems: string[] = []

  constructor(options: LoadOptions, targetsOf: (pipeline: Pipeline) => readonly Target[], pinned: boolean) {
    this.#options = options
    this.#targetsOf = pipeline => {
      const named = (target: Target) => options.targets?.includes(target.name) ?? true
      const open = (target: Target) => target.doors.some(door => options.doors.includes(door))
      return targetsOf(pipeline).filter(target => named(target) && open(target))
    }
    this.#cores = pinned ? { server: 0, driver: 1 } : { server: undefined, driver: undefined }
    this.recorder = new Recorder(options.rounds)
  }

  /** Pipelines that have something to do. */
  pipelines(): Pipeline[] {
    const paced = this.#options.cases.includes('paced')
    return PIPELINES.filter(one => cellsOf(this.#options, one).length > 0 || (one === 'nop' && paced))
  }

  everybody(): Target[] {
    const everybody = this.pipelines().flatMap(this.#targetsOf)
    return this.#options.cases.includes('memory') ? [...everybody, ...this.#targetsOf('nop')] : everybody
  }

  #start(target: Target, pipeline: Pipeline): Promise<Post> {
    const problem = (text: string) => this.problems.push(text)
    return Post.start(target, { exporting: pipeline === 'export', cores: this.#cores, problem })
  }

  /** A server that ended is a problem once; the others go on. */
  async #unlessGone(posts: Post[], post: Post, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof ServerGone) && !(await post.server.gone())) throw error
      this.problems.push(error instanceof ServerGone ? error.message : `${post.name} ended: ${error}`)
      posts.splice(posts.indexOf(post), 1)
      await post.stop()
    }
  }

  /** Who begins changes from round to round: the first after a pause is not always the same. */
  static #turns(posts: readonly Post[], round: number): Post[] {
    const first = round % Math.max(1, posts.length)
    return [...posts.slice(first), ...posts.slice(0, first)]
  }

  async pipeline(pipeline: Pipeline, rounds: readonly number[]): Promise<void> {
    const options = this.#options
    const posts: Post[] = []
    try {
      // All at once: whoever is not asked costs nothing, and every case then meets them all in the same minute.
      for (const target of this.#targetsOf(pipeline)) posts.push(await this.#start(target, pipeline))
      for (const post of [...posts])
        await this.#unlessGone(posts, post, () => post.warmUp(options.doors, options.scale))
      for (const round of rounds) {
        for (const cell of cellsOf(options, pipeline)) {
          for (const post of Run.#turns(posts, round)) {
            if (!post.server.target.doors.includes(cell.door)) continue
            await this.#unlessGone(posts, post, async () => {
              const { bytes } = bodyOf(cell.spans, cell.encoding)
              this.recorder.cell(round, post.name, cell, bytes.length, await post.shoot(cell))
            })
          }
        }
        if (pipeline === 'nop' && options.cases.includes('paced')) await this.#paced(posts, round)
      }
    } finally {
      await Promise.all(posts.map(post => post.stop()))
    }
  }

  async #paced(posts: Post[], round: number): Promise<void> {
    const { rate, pacedSeconds, doors } = this.#options
    for (const door of doors) {
      for (const post of Run.#turns(posts, round)) {
        if (!post.server.target.doors.includes(door)) continue
        await this.#unlessGone(posts, post, async () =>
          this.recorder.paced(round, post.name, door, rate, await post.pace(door, rate, pacedSeconds)),
        )
      }
    }
  }

  /** One server at a time, fresh for each door: what it holds is the work of this load alone. */
  async memory(round: number): Promise<void> {
    for (const door of this.#options.doors) {
      for (const target of this.#targetsOf('nop').filter(({ doors }) => doors.includes(door))) {
        const posts = [await this.#start(target, 'nop')]
        const post = posts[0]!
        await this.#unlessGone(posts, post, async () =>
          this.recorder.memory(round, target.name, door, await post.memory(door, this.#options.scale)),
        )
        if (posts.length > 0) await post.stop()
      }
    }
  }

  /** Samplers that keep other spans than ours do other work: nothing to compare. */
  checkKept(): void {
    const { cells } = this.recorder.results()
    for (const ours of cells.filter(({ target }) => target === SLUICE)) {
      for (const theirs of cells) {
        if (theirs.target !== COLLECTOR || placeOf(theirs) !== placeOf(ours)) continue
        for (const [round, kept] of ours.kept.entries()) {
          const other = theirs.kept[round] ?? null
          if (kept !== null && other !== null && Math.abs(kept - other) > 1e-9)
            this.problems.push(`${placeOf(ours)}: sluice kept ${kept} of the spans, otelcol ${other}`)
        }
      }
    }
  }
}

/** Throws when a server does not start; what goes wrong later is in `problems`. */
export async function load(
  options: LoadOptions,
  targetsOf: (pipeline: Pipeline) => readonly Target[] = targets,
): Promise<LoadReport> {
  const at = new Date().toISOString()
  const [loadAverage] = loadavg()
  pinned ??= pinSelf()
  const run = new Run(options, targetsOf, pinned)
  const machine: Machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    pinned,
    loadAverage: loadAverage!,
    node: process.version,
    peers: peersOf(run.everybody()),
    drivers: DRIVERS,
  }
  const names = [...new Set(run.everybody().map(({ name }) => name))]
  console.log(
    `load: ${names.join(', ')}; ${options.rounds} round(s), HTTP by ${DRIVERS.http}, gRPC by ${DRIVERS.grpc}, servers ${pinned ? 'on a core of their own' : 'not pinned'}`,
  )
  if (loadAverage! > 0.5)
    console.log(`  somebody else is at work here (load average ${loadAverage!.toFixed(1)})`)
  const rounds = options.restart ? await restarting(run, options) : await staying(run, options)
  run.checkKept()
  const { problems } = run
  return { at, preset: options.preset, machine, rounds, ...run.recorder.results(), problems }
}

async function restarting(run: Run, options: LoadOptions): Promise<number> {
  const began = performance.now()
  for (let round = 0; round < options.rounds; round++) {
    for (const pipeline of run.pipelines()) await run.pipeline(pipeline, [round])
    if (options.cases.includes('memory')) await run.memory(round)
    const minutes = (performance.now() - began) / 60_000
    console.log(`  round ${round + 1} of ${options.rounds} done after ${minutes.toFixed(1)} min`)
    if (minutes + minutes / (round + 1) > options.minutes) return round + 1
  }
  return options.rounds
}

async function staying(run: Run, options: LoadOptions): Promise<number> {
  const rounds = Array.from({ length: options.rounds }, (_, round) => round)
  for (const pipeline of run.pipelines()) await run.pipeline(pipeline, rounds)
  if (options.cases.includes('memory')) for (const round of rounds) await run.memory(round)
  return options.rounds
}
