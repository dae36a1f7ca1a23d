/** What the bare sinks share: counting, and saying how much arrived when asked by SIGUSR2. */

let requests = 0
let bytes = 0
let spans = 0

/** A request of so many bytes arrived whole, after decompression; with its spans, where the sink counts them. */
export function arrived(size: number, items = 0): void {
  requests++
  bytes += size
  spans += items
}

/** Tells the benchmark that the sink listens, and answers its questions. */
export function listening(): void {
  process.on('SIGUSR2', () => console.log(`arrived ${requests} ${bytes} ${spans}`))
  console.log('listening')
}

export const PORT = Number(process.env['BENCH_PORT'])
