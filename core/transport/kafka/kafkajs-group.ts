/**
 * kafkajs's own class for a member of a group, with what its interface does not let a user do: finish and commit before
 * it joins again, know where reading begins, and commit without leaving that to a loop of retries.
 *
 * kafkajs-modules.ts puts it in place of the original. A group that nobody listens to behaves as before; who listens is
 * found by the first assigner that the consumer was given.
 */

import { OneAtATime } from './one-at-a-time.ts'

/** Offsets are decimal texts there. */
export interface KafkaJsPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: string
}

export interface KafkaJsGroupListener {
  /** Before each JoinGroup. */
  joining(): Promise<void>
  /** After each SyncGroup, once it is known where reading begins. */
  joined(group: KafkaJsGroup, generation: number, positions: readonly KafkaJsPosition[]): void
  outOfRange(topic: string, partition: number): void
}

export const groupListeners = new WeakMap<object, KafkaJsGroupListener>()

interface OffsetManager {
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>
  resolveOffsets(): Promise<void>
  committedOffsets(): Readonly<Record<string, Readonly<Record<number, string>>>>
  commitOffsets(offsets: {
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
    }[]
  }): Promise<void>
}

export interface KafkaJsGroup {
  readonly assigners: readonly object[]
  readonly generationId: number
  readonly offsetManager: OffsetManager
  joinAndSync(): Promise<void>
  fetch(nodeId: number): Promise<unknown[]>
  recoverFromFetch(error: unknown): Promise<void>
  recoverFromOffsetOutOfRange(error: { readonly topic: string; readonly partition: number }): Promise<void>
}

export type KafkaJsGroupClass = new (options: object) => KafkaJsGroup

export function listenedGroup(Original: KafkaJsGroupClass): KafkaJsGroupClass {
  return class ListenedGroup extends Original {
    /** Several fetch loops, one a broker, may find at once that they have to join again. */
    readonly #joins = new OneAtATime()
    #untold = false

    get #listener(): KafkaJsGroupListener | undefined {
      return groupListeners.get(this.assigners[0]!)
    }

    override joinAndSync(): Promise<void> {
      return this.#joins.run(async () => {
        await this.#listener?.joining()
        await super.joinAndSync()
        this.#untold = this.#listener !== undefined
        // What fails here is tried again before the first fetch.
        await this.#tell().catch(() => undefined)
      })
    }

    async #tell(): Promise<void> {
      if (!this.#untold) return
      const { offsetManager, generationId } = this
      await offsetManager.resolveOffsets()
      // Another round may have begun meanwhile.
      if (!this.#untold || this.offsetManager !== offsetManager) return
      this.#untold = false
      const known = offsetManager.committedOffsets()
      const positions: KafkaJsPosition[] = []
      for (const [topic, partitions] of Object.entries(offsetManager.memberAssignment)) {
        for (const partition of partitions) {
          const offset = known[topic]?.[partition]
          if (offset !== undefined) positions.push({ topic, partition, offset })
        }
      }
      this.#listener?.joined(this, generationId, positions)
    }

    override async fetch(nodeId: number): Promise<unknown[]> {
      if (this.#untold) {
        try {
          await this.#tell()
        } catch (error) {
          await this.recoverFromFetch(error)
          return []
        }
      }
      return super.fetch(nodeId)
    }

    override async recoverFromOffsetOutOfRange(error: {
      readonly topic: string
      readonly partition: number
    }): Promise<void> {
      this.#listener?.outOfRange(error.topic, error.partition)
      await super.recoverFromOffsetOutOfRange(error)
    }
  }
}
