/** A config that was read and understood: every component with its factory and its typed settings. */

import type { Reference as NamedElsewhere, Node, Position } from '../config/node.ts'
import type {
  ConnectorFactory,
  ExporterFactory,
  ExtensionFactory,
  Factory,
  ProcessorFactory,
  ReceiverFactory,
} from '../core/component/contract.ts'
import type { Signal } from '../core/otlp/signals.ts'

export interface ComponentConfig<F extends Factory> {
  /** `otlp/backup` */
  readonly id: string
  readonly factory: F
  /** What the factory's schema made of it. */
  readonly config: unknown
  /** What it was made of, everything expanded. */
  readonly written: Node
  /** Other components that its config names. */
  readonly references: readonly NamedElsewhere[]
  readonly at: Position
}

/** A component named in a list, and where. */
export interface Reference {
  readonly id: string
  readonly at: Position
}

export interface PipelineConfig {
  /** `traces/2` */
  readonly id: string
  readonly signal: Signal
  readonly receivers: readonly Reference[]
  readonly processors: readonly Reference[]
  readonly exporters: readonly Reference[]
  readonly at: Position
}

export interface GatewayConfig<Telemetry = unknown> {
  readonly receivers: ReadonlyMap<string, ComponentConfig<ReceiverFactory>>
  readonly processors: ReadonlyMap<string, ComponentConfig<ProcessorFactory>>
  readonly exporters: ReadonlyMap<string, ComponentConfig<ExporterFactory>>
  readonly connectors: ReadonlyMap<string, ComponentConfig<ConnectorFactory>>
  readonly extensions: ReadonlyMap<string, ComponentConfig<ExtensionFactory>>
  readonly service: {
    /** How many processes do the work; 1: this one. */
    readonly workers: number
    readonly extensions: readonly Reference[]
    readonly pipelines: readonly PipelineConfig[]
    readonly telemetry: Telemetry
  }
}
