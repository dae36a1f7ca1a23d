/** An htpasswd with every kind of entry, and who should get in with it. */

export const PASSWORD = 'open sesame'

/** Name -> what is stored, for the password above. Made by openssl, glibc's crypt and bcryptjs. */
export const STORED: Readonly<Record<string, string>> = {
  plain: PASSWORD,
  'nginx-plain': `{PLAIN}${PASSWORD}`,
  sha: '{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=',
  ssha: '{SSHA}fJRPfjDJ4ASs7LdkwS9YpR3abWUwMTIzNDU2Nzg5',
  apr1: '$apr1$saltsalt$HIDXe7D36X22w1CH4M1cQ.',
  md5: '$1$saltsalt$Yo6tRKYGO/jWyb1etwHDS/',
  bcrypt2a: '$2a$05$C/5J3zHzvOJA4WPBotmdH.ny8JMhwVJpFS3Kv4OEbqnO5eWDnkRAW',
  bcrypt2b: '$2b$05$Rz/VRa8me/t1MBHP0Ik.e.erqAVsUEHoqDOSyjAET2e7WYr1umBRO',
  bcrypt2x: '$2x$05$MZfvE3OERzJFGQfZ/KdwP.VjjAHnNZ8BbxSmI4LnU4AiFQPyZ5eSa',
  bcrypt2y: '$2y$05$9ihu.UXMC56XlMGJR5iL5.dDFvxkMU.3PiU9Jhjg.9cGEEYD66A4C',
  sha256: '$5$saltsalt$yrhPKxCqiWcCE9h0g86j6Ugz7SDFdFm.BjU.d8RaQnC',
  'sha256-rounds': '$5$rounds=1000$s$5JMDFZCHcyEjEX9sjU5pKb5AmRsH2ge5kouex4wqTW.',
  sha512:
    '$6$saltsalt$e/5XKibXPLqVcfjpD.ouauaJrAOL5V0uo80Lt7n7EbRdRiCx3HbQ90yjOHr.G0T.mx79PEMRy8nmtr0qSYhQp1',
  'sha512-rounds':
    '$6$rounds=1200$saltysaltysalty$iu3w3u0aaGyIOSXIQBIecNd4WAdGEq6pWlc7RhSBzWbUK0hLXIVcYmItDhH0PwxAeIs/lrzkiBqjsDwVdGdTa0',
}

/** Lines that let nobody in. */
export const BAD_LINES: readonly string[] = [
  'no colon',
  'broken-sha:{SHA}nonsense',
  'short-sha:{SHA}YWJj',
  'broken-ssha:{SSHA}YWJj',
  'broken-apr1:$apr1$nosalt',
  'broken-crypt:$6$',
]

export const HTPASSWD = [
  ...Object.entries(STORED).map(([name, stored]) => `${name}:${stored}`),
  ...BAD_LINES,
  '',
  '  spaced:word  ',
  'twice:first',
  'twice:second',
  'colons:a:b:c',
  'empty:',
  'broken-bcrypt:$2y$05$short',
].join('\n')

/** Name, password, and whether they get in. */
export const ATTEMPTS: readonly (readonly [name: string, password: string, gets: boolean])[] = [
  ...Object.keys(STORED).flatMap(name => [
    [name, PASSWORD, true] as const,
    [name, `${PASSWORD}!`, false] as const,
    [name, '', false] as const,
  ]),
  ['nginx-plain', `{PLAIN}${PASSWORD}`, true],
  ['sha', STORED['sha']!, false],
  ['bcrypt2y', STORED['bcrypt2y']!, false],
  ['spaced', 'word', true],
  ['twice', 'first', false],
  ['twice', 'second', true],
  ['colons', 'a:b:c', true],
  ['empty', '', true],
  ['broken-sha', 'nonsense', false],
  ['broken-sha', '{SHA}nonsense', false],
  ['broken-apr1', '$apr1$nosalt', false],
  ['broken-crypt', '$6$', false],
  ['broken-bcrypt', '$2y$05$short', false],
  ['nobody', PASSWORD, false],
  ['', '', false],
  ['PLAIN', PASSWORD, false],
]

export function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
}
