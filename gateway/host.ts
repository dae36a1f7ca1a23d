/** What parts can ask of the gateway, and what the gateway knows of its parts. */

import type { Extension, Host, HostDescription, PartHealth } from '../core/component/contract.ts'
import type { Account } from '../core/component/ledger.ts'
import type { Logger } from '../core/telemetry/log.ts'
import type { PipelineConfig } from './gateway-config.ts'

export const NAME = 'sluice'

/** What the processes that do the work say of themselves, for the one that leads them. */
export interface WorkersHealth {
  readonly ready: boolean
  readonly health: ReadonlyMap<string, PartHealth>
}

/** Of the process, and how it was started. */
export interface PlaceOfGateway {
  readonly workers: number
  readonly worker: number | undefined
  readonly instanceId: string | undefined
  readonly gate: (id: string) => boolean
}

export class GatewayHost implements Host {
  readonly build: Host['build']
  readonly workers: number
  readonly worker: number | undefined
  readonly instanceId: string | undefined
  readonly gate: (id: string) => boolean
  readonly accounts: Account[] = []
  /** Set in the process that leads workers. */
  crew: WorkersHealth | undefined
  #ready = false
  pipelines: readonly PipelineConfig[] = []
  /** By id; cleared never: a stopped extension answers as one. */
  extensions: ReadonlyMap<string, Extension> = new Map()
  lastReload: HostDescription['lastReload']
  readonly #health = new Map<string, PartHealth>()
  readonly #log: Logger

  constructor(version: string, log: Logger, place: Partial<PlaceOfGateway> = {}) {
    this.workers = place.workers ?? 1
    this.worker = place.worker
    this.instanceId = place.instanceId
    this.gate = place.gate ?? (() => false)
    this.build = Object.freeze({ name: NAME, version, startedAt: Date.now() })
    this.#log = log
  }

  get ready(): boolean {
    return this.#ready && (this.crew?.ready ?? true)
  }

  set ready(ready: boolean) {
    this.#ready = ready
  }

  extension(id: string): Extension | undefined {
    return this.extensions.get(id)
  }

  report(part: string, health: PartHealth): void {
    const known = this.#health.get(part)
    const before = known?.state
    const since = known !== undefined && before === health.state ? known.since : Date.now()
    this.#health.set(part, { ...health, ...(since === undefined ? {} : { since }) })
    if (before === health.state) return
    const fields = { part, ...(health.message === undefined ? {} : { reason: health.message }) }
    if (health.state === 'permanent_error') this.#log.error('A component cannot work', fields)
    else if (health.state === 'recoverable_error') this.#log.warn('A component has trouble', fields)
    else if (health.state === 'ok' && before?.endsWith('_error'))
      this.#log.info('A component is well again', fields)
  }

  /** The part is gone, or never came to be. Its page in the ledger stays. */
  forget(part: string): void {
    this.#health.delete(part)
  }

  describe(): HostDescription {
    return {
      pipelines: this.pipelines.map(({ id, receivers, processors, exporters }) => ({
        id,
        receivers: receivers.map(reference => reference.id),
        processors: processors.map(reference => reference.id),
        exporters: exporters.map(reference => reference.id),
      })),
      extensions: [...this.extensions.keys()],
      health: this.crew === undefined ? this.#health : new Map([...this.crew.health, ...this.#health]),
      accounts: this.accounts,
      lastReload: this.lastReload,
    }
  }
}
