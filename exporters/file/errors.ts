/** What went wrong with a file, in words. */

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'its folder does not exist; create_directory: true makes it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ENAMETOOLONG: 'its name is too long',
  EMFILE: 'too many open files',
  EIO: 'the device failed',
}

/** These never get better by trying again with the same data. */
const FINAL = new Set(['EISDIR', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL', 'EILSEQ'])

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? '')
}

export function errorText(error: unknown): string {
  const code = codeOf(error)
  const reason = REASONS[code]
  return reason === undefined ? (error as Error).message : `${reason} (${code})`
}

export function isFinal(error: unknown): boolean {
  return FINAL.has(codeOf(error))
}
