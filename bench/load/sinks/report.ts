/** What the bare sinks share: counting, and saying how much arrived when asked by SIGUSR2. */

let requests = 0
let bytes = 0

/** A request of so many bytes arrived whole, after decompression. */
export function arrived(size: number): void {
  requests++
  bytes += size
}

/** Tells the benchmark that the sink listens, and answers its questions. */
export function listening(): void {
  process.on('SIGUSR2', () => console.log(`arrived ${requests} ${bytes}`))
  console.log('listening')
}

export const PORT = Number(process.env['BENCH_PORT'])
