/** What a command may touch besides its command line: tests hand in their own. */

export interface CommandIo {
  out(text: string): void
  err(text: string): void
  readonly env: NodeJS.ProcessEnv
  /** What relative paths are relative to. */
  readonly cwd: string
}
