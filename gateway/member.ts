/** A part in its place. Lives as long as the part does, through every reload that keeps it. */

import type { Node } from '../config/node.ts'
import type { Extension, Part, Settings } from '../core/component/contract.ts'
import { Account } from '../core/component/ledger.ts'
import type { Signal } from '../core/otlp/signals.ts'
import type { Logger } from '../core/telemetry/log.ts'
import type { MetricsRegistry } from '../core/telemetry/metrics.ts'
import type { Kind } from './catalog.ts'
import { type EdgeEnd, intoPage, outOfPage } from './edge.ts'
import { Exits } from './exits.ts'
import { fingerprint, mentions } from './fingerprint.ts'
import type { GatewayHost } from './host.ts'
import { PartHost } from './part-host.ts'
import { UnderWay } from './under-way.ts'

/** A part's place, before the part is made. */
export interface Place {
  /** `processor/batch/traces`: a reload compares the members of one name. */
  readonly name: string
  /** Everything a part cannot change while it runs. Another identity is another part. */
  readonly identity: string
  readonly settings: Settings
  readonly host: PartHost
  readonly into: (signal: Signal) => readonly EdgeEnd[]
  readonly outOf: (signal: Signal) => readonly EdgeEnd[]
  readonly exits: Exits
  readonly underWay: UnderWay
}

export interface Member extends Place {
  readonly part: Part
}

/** What is wanted at a place. */
export interface Wanted {
  readonly kind: Kind
  readonly id: string
  /** Its config. */
  readonly written: Node
  /** The pipeline of a processor, the route of a connector. */
  readonly scope?: string
  readonly signal?: Signal
  readonly waits?: boolean
  /** More that the part cannot change while it runs. */
  readonly fixed?: readonly string[]
  /** It must be made anew, even when the config is the same. */
  readonly anew?: boolean
  readonly make: (place: Place) => Part
  /** Instead of the ledger's alone. */
  readonly ends?: (settings: Settings) => Partial<Pick<Place, 'into' | 'outOf'>>
}

export interface Around {
  readonly host: GatewayHost
  readonly log: Logger
  readonly metrics: MetricsRegistry
}

/** The members of one config: taken over from those that run where they are the same, else made. */
export class Members {
  readonly all = new Map<string, Member>()
  readonly extensions = new Map<string, Extension>()
  readonly #fresh: Member[] = []
  readonly #around: Around
  readonly #running: ReadonlyMap<string, Member>
  /** Ids of extensions that are not what they were: who uses one has to look it up again. */
  readonly #changed: Set<string>

  /** `gone`: ids of the extensions that the config no longer has. */
  constructor(around: Around, running: ReadonlyMap<string, Member>, gone: Iterable<string>) {
    this.#around = around
    this.#running = running
    this.#changed = new Set(gone)
  }

  /** Throws what a factory throws. Extensions come first. */
  get(wanted: Wanted): Member {
    const { kind, id, written, scope = '', signal, waits = false, fixed = [], anew = false } = wanted
    const name = `${kind}/${id}${scope === '' ? '' : `/${scope}`}`
    const identity = JSON.stringify([fingerprint(written), signal, waits, ...fixed])
    const known = this.#running.get(name)
    if (known?.identity === identity && !anew && !mentions(written, this.#changed)) return this.#enter(known)
    if (kind === 'extension') this.#changed.add(id)
    const place = this.#place(wanted, name, identity)
    const member = { ...place, part: wanted.make(place) }
    this.#fresh.push(member)
    return this.#enter(member)
  }

  #enter(member: Member): Member {
    this.all.set(member.name, member)
    return member
  }

  #place({ kind, id, scope = '', signal, waits, ends }: Wanted, name: string, identity: string): Place {
    const { host: gateway, log, metrics } = this.#around
    const host = new PartHost(gateway, name, this.extensions, !this.#running.has(name))
    const account = accountOf(gateway.accounts, kind, id, name)
    const fields: Record<string, string> = { 'otelcol.component.kind': kind, 'otelcol.component.id': id }
    if (scope !== '') fields[kind === 'processor' ? 'otelcol.pipeline.id' : 'otelcol.route'] = scope
    const about = { id, name, signal, log: log.with(fields), account, metrics, host }
    const settings: Settings = { ...about, ...(waits === undefined ? {} : { waitDownstream: waits }) }
    const underWay = new UnderWay()
    const own = ends?.(settings)
    const into = own?.into ?? (one => [intoPage(account.of(one))])
    return {
      name,
      identity,
      settings,
      host,
      into: one => [underWay.end, ...into(one)],
      outOf: own?.outOf ?? (one => [outOfPage(account.of(one))]),
      exits: new Exits(),
      underWay,
    }
  }

  /** When the config cannot be run after all. */
  discard(): void {
    for (const { part } of this.#fresh) void part.stop(0)
  }
}

/** The page of this name: a part that takes another's place goes on writing where that one stopped. */
export function accountOf(accounts: Account[], kind: Kind, id: string, name: string): Account {
  const known = accounts.find(account => account.name === name)
  if (known !== undefined) return known
  const account = new Account(kind, id, name)
  accounts.push(account)
  return account
}
