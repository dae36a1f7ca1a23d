/** The part of autocannon's API that is used; it has no types of its own. */
declare module 'autocannon' {
  interface Options {
    readonly url: string
    readonly method: 'POST'
    readonly headers: Readonly<Record<string, string>>
    readonly body: Buffer
    readonly connections: number
    readonly amount: number
    readonly timeout: number
    /** Milliseconds between its samples; it ends with one. */
    readonly sampleInt: number
  }
  interface Outcome {
    readonly '2xx': number
  }
  interface Tracker extends Promise<Outcome> {
    on(
      event: 'response',
      listener: (client: unknown, status: number, bytes: number, ms: number) => void,
    ): this
  }
  export default function autocannon(options: Options): Tracker
}
