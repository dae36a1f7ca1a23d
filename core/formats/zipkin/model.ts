/** Zipkin's v2 span as values: between its encodings and OTLP. */

export interface ZipkinEndpoint {
  readonly serviceName: string
  /** 4 bytes. */
  readonly ipv4: Uint8Array | undefined
  /** 16 bytes. */
  readonly ipv6: Uint8Array | undefined
  /** 0 when unknown. */
  readonly port: number
}

export interface ZipkinAnnotation {
  /** Nanoseconds since 1970. */
  readonly time: bigint
  readonly value: string
}

/** `debug` and `shared` have no place in OTLP (the Collector drops them too) and are not read. */
export interface ZipkinSpan {
  /** 16 bytes. */
  readonly traceId: Uint8Array
  /** 8 bytes. */
  readonly id: Uint8Array
  readonly parentId: Uint8Array | undefined
  readonly name: string
  /** OTLP's number: client, server, producer, consumer or 0. */
  readonly kind: number
  /** Nanoseconds since 1970; undefined when the span has none. */
  readonly start: bigint | undefined
  /** Nanoseconds, not negative. */
  readonly duration: bigint
  readonly local: ZipkinEndpoint | undefined
  readonly remote: ZipkinEndpoint | undefined
  readonly annotations: readonly ZipkinAnnotation[]
  readonly tags: Map<string, string>
}
