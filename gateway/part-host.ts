/** The gateway as one part sees it. Two parts have one name while a reload puts one in the place of the other. */

import type { Extension, Host, HostDescription, PartHealth } from '../core/component/contract.ts'
import type { GatewayHost } from './host.ts'

export class PartHost implements Host {
  /** Those of the config the part belongs to: one that starts must not find the extensions of the old config. */
  extensions: ReadonlyMap<string, Extension>
  readonly #host: GatewayHost
  readonly #name: string
  /** `waiting`: another part has the name still. `retired`: another one has it already. */
  #standing: 'waiting' | 'current' | 'retired'
  #health: PartHealth | undefined

  constructor(host: GatewayHost, name: string, extensions: ReadonlyMap<string, Extension>, current: boolean) {
    this.#host = host
    this.#name = name
    this.extensions = extensions
    this.#standing = current ? 'current' : 'waiting'
  }

  extension(id: string): Extension | undefined {
    return this.extensions.get(id)
  }

  report(part: string, health: PartHealth): void {
    this.#health = health
    if (this.#standing === 'current') this.#host.report(part, health)
  }

  /** From here on the name is this part's. */
  take(): void {
    if (this.#standing !== 'waiting') return
    this.#standing = 'current'
    if (this.#health !== undefined) this.#host.report(this.#name, this.#health)
  }

  retire(): void {
    this.#standing = 'retired'
  }

  get ready(): boolean {
    return this.#host.ready
  }

  get workers(): number {
    return this.#host.workers
  }

  get worker(): number | undefined {
    return this.#host.worker
  }

  gate(id: string): boolean {
    return this.#host.gate(id)
  }

  get instanceId(): string | undefined {
    return this.#host.instanceId
  }

  get build(): Host['build'] {
    return this.#host.build
  }

  describe(): HostDescription {
    const known = this.#host.describe()
    if (this.#standing === 'current' || this.#health === undefined) return known
    return { ...known, health: new Map(known.health).set(this.#name, this.#health) }
  }
}
