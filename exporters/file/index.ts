/**
 * `file`: writes batches to a file, or to one for each value of a resource attribute.
 *
 *     exporters:
 *       file:
 *         path: ./data/telemetry.json
 *         create_directory: true
 *         rotation: {max_megabytes: 10, max_backups: 3}
 *
 * A batch is in the file before it is acknowledged. What cannot be written is refused, so that it is sent again; files
 * hold whole messages only. No queue, as in the Collector.
 */

import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Batch } from '../../core/component/batch.ts'
import type {
  ConsumeContext,
  Exporter,
  ExporterFactory,
  SendResult,
  Settings,
} from '../../core/component/contract.ts'
import { Refused } from '../../core/component/outcome.ts'
import { SIGNALS } from '../../core/otlp/signals.ts'
import { config, type FileConfig } from './config.ts'
import { type Encoding, encode } from './encode.ts'
import { errorText } from './errors.ts'
import { GroupedFiles } from './grouped-files.ts'
import { RollingFile, type RollingFileOptions } from './rolling-file.ts'

export type { FileConfig } from './config.ts'

class FileExporter implements Exporter {
  /** A write is waited for, also one that fails. */
  readonly returnsBytes = true
  readonly #config: FileConfig
  readonly #settings: Settings
  readonly #encoding: Encoding
  #file: RollingFile | undefined
  #groups: GroupedFiles | undefined

  constructor(config: FileConfig, settings: Settings) {
    const { format, compression, compression_params } = config
    this.#config = config
    this.#settings = settings
    this.#encoding = { format, compression, level: compression_params.level }
  }

  async start(): Promise<void> {
    const { path, create_directory, group_by } = this.#config
    try {
      if (create_directory) await mkdir(dirname(path), { recursive: true, mode: this.#directoryMode() })
      if (group_by.enabled) {
        this.#groups = new GroupedFiles(
          this.#config,
          this.#encoding,
          this.#options(path),
          this.#directoryMode(),
        )
        return
      }
      const file = new RollingFile(this.#options(path))
      await file.open()
      this.#file = file
    } catch (cause) {
      throw new Error(`cannot open ${path}: ${errorText(cause)}`, { cause })
    }
  }

  async stop(): Promise<void> {
    const file = this.#file
    const groups = this.#groups
    this.#file = undefined
    this.#groups = undefined
    await file?.close()
    await groups?.close()
  }

  async send(batch: Batch, _context: ConsumeContext): Promise<SendResult> {
    if (this.#groups !== undefined) return this.#groups.send(batch)
    if (this.#file === undefined) throw new Refused(`${this.#config.path} is not open`)
    if (batch.byteLength === 0) return { sent: batch.items }
    const pieces = await encode(batch.chunks, batch.signal, this.#encoding)
    try {
      await this.#file.append(pieces)
    } catch (cause) {
      throw new Refused(`cannot write to ${this.#config.path}: ${errorText(cause)}`, { cause })
    }
    return { sent: batch.items }
  }

  #directoryMode(): number {
    return Number.parseInt(this.#config.directory_permissions || '0755', 8)
  }

  #options(path: string): RollingFileOptions {
    return {
      path,
      append: this.#config.append,
      rotation: this.#config.rotation,
      warn: (message, fields) => this.#settings.log.warn(message, fields),
      now: Date.now,
    }
  }
}

export const factory: ExporterFactory<FileConfig> = {
  kind: 'exporter',
  type: 'file',
  doc: 'Writes batches to a file, as lines of OTLP/JSON or as length-prefixed protobuf.',
  stability: 'beta',
  signals: SIGNALS,
  workers: {
    impossible: 'several processes cannot write one file',
    fix: 'leave out service.workers, or send to a gateway of its own that writes the file',
  },
  config,
  liveSignals: true,
  create: (config, settings) => new FileExporter(config, settings),
}
