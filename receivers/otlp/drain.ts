/** How both doors wait for their connections to end. */

/** How often it is asked whether somebody may go now. */
const SWEEP_MS = 20

/** Resolves when `closed` does, or at `deadline` (ms, `performance.now()` clock). `sweep` is called now and then. */
export async function untilClosed(
  closed: Promise<unknown>,
  deadline: number,
  sweep: () => void,
): Promise<void> {
  sweep()
  const sweeping = setInterval(sweep, SWEEP_MS)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
  })
  await Promise.race([closed, late])
  clearInterval(sweeping)
  clearTimeout(timer)
}
