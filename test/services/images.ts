/**
 * What is run where Docker is: official images, of the same versions as the programs that are got without it. The one
 * place where images are named.
 */

export interface Image {
  readonly name: string
  /** What a container of it may take, as `docker create --memory` wants it. */
  readonly memory: string
}

export const IMAGES = {
  kafka: { name: 'apache/kafka:4.4.0', memory: '1g' },
  elasticsearch: { name: 'docker.elastic.co/elasticsearch/elasticsearch:8.19.21', memory: '2g' },
  'elasticsearch-9': { name: 'docker.elastic.co/elasticsearch/elasticsearch:9.5.3', memory: '2g' },
  // The program that is also called 1.76.0.
  jaeger: { name: 'jaegertracing/jaeger:2.13.0', memory: '1g' },
  prometheus: { name: 'prom/prometheus:v3.16.0', memory: '1g' },
} as const satisfies Readonly<Record<string, Image>>

export type ImageOf = keyof typeof IMAGES
