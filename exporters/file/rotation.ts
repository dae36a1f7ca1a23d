/**
 * Which old files there are beside a rotated one, and which of them have to go. Names are those of the Collector's
 * file exporter 0.155 (timberjack): `traces.json` becomes `traces-2026-11-22T20-12-26.123-size.json`.
 */

import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'

export interface RotationConfig {
  readonly max_megabytes: number
  readonly max_days: number
  readonly max_backups: number
  readonly localtime: boolean
}

/** What `max_megabytes: 0` means. */
const DEFAULT_MEGABYTES = 100
const DAY_MS = 86_400_000

/** The size at which a file is rotated, in bytes. */
export function rotationBytes({ max_megabytes }: RotationConfig): number {
  return (max_megabytes || DEFAULT_MEGABYTES) * 1024 * 1024
}

function parts(path: string): { folder: string; prefix: string; suffix: string } {
  const extension = extname(path)
  const name = basename(path)
  return {
    folder: dirname(path),
    prefix: `${name.slice(0, name.length - extension.length)}-`,
    suffix: `-size${extension}`,
  }
}

/** `time` in ms since the epoch. */
export function backupName(path: string, time: number, localtime: boolean): string {
  const { folder, prefix, suffix } = parts(path)
  const shifted = localtime ? time - new Date(time).getTimezoneOffset() * 60_000 : time
  const stamp = new Date(shifted).toISOString().slice(0, 23).replaceAll(':', '-')
  return join(folder, prefix + stamp + suffix)
}

/** A name for the file that is put aside now. One that is taken is not overwritten: the next millisecond is free. */
export async function freeBackupName(path: string, time: number, localtime: boolean): Promise<string> {
  for (let later = 0; ; later++) {
    const name = backupName(path, time + later, localtime)
    if (!(await exists(name))) return name
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Deletes old files beyond `max_backups` and older than `max_days`; returns the names that could not be deleted. */
export async function removeOld(path: string, config: RotationConfig, now: number): Promise<string[]> {
  if (config.max_backups === 0 && config.max_days === 0) return []
  const { folder, prefix, suffix } = parts(path)
  const oldest = backupName(path, now - config.max_days * DAY_MS, config.localtime)
  const names = (await readdir(folder)).filter(name => isBackup(name, prefix, suffix)).sort()
  const surplus = config.max_backups === 0 ? 0 : names.length - config.max_backups
  const failed: string[] = []
  for (const [i, name] of names.entries()) {
    const tooOld = config.max_days > 0 && name < basename(oldest)
    if (i >= surplus && !tooOld) continue
    await rm(join(folder, name), { force: true }).catch(() => failed.push(name))
  }
  return failed
}

function isBackup(name: string, prefix: string, suffix: string): boolean {
  if (!name.startsWith(prefix) || !name.endsWith(suffix)) return false
  return /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}$/.test(
    name.slice(prefix.length, name.length - suffix.length),
  )
}
