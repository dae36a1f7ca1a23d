/** The parser's complaints in words for people who do not write YAML every day. */

const SAYINGS: Readonly<Record<string, readonly [wrong: string, fix: string]>> = {
  TAB_AS_INDENT: ['a tab stands where only spaces may', 'indent with spaces'],
  MULTIPLE_DOCS: ['a second YAML document begins here', 'keep one document in a file, without "---" between'],
  BLOCK_AS_IMPLICIT_KEY: [
    'a second "key:" stands on one line, or this line is indented too far',
    'put it on a line of its own, or quote a text that has ": " in it',
  ],
  MULTILINE_IMPLICIT_KEY: [
    'a key goes over several lines',
    'is the line above complete? Check the indentation',
  ],
  BAD_INDENT: ['the indentation fits nothing above', 'give all keys of one section the same indentation'],
  BAD_SCALAR_START: ['a text may not begin with this character', 'put the text in quotes'],
  BAD_DQ_ESCAPE: [
    'a backslash sequence that YAML does not have',
    "write \\\\ for a backslash, or use 'single quotes'",
  ],
  BAD_ALIAS: ['a * that names no anchor', 'put the text in quotes'],
  IMPOSSIBLE: ['the text cannot be read as YAML', ''],
}

/** What is wrong and what to do, for an error code of the `yaml` package and its own message. */
export function syntaxProblem(code: string, message: string): readonly [wrong: string, fix: string] {
  if (message.includes('call stack')) return ['is nested too deeply', 'is this a config?']
  if (code === 'MISSING_CHAR' && message.includes('quote'))
    return ['a quote is opened but not closed', 'close it']
  if (code === 'MISSING_CHAR' && message.includes('map values'))
    return ['a key without a ":"', 'write "key: value"']
  if (code === 'BAD_INDENT' && message.startsWith('Flow')) {
    return ['a bracket that was opened is not closed', 'close it, and indent what is between']
  }
  if (message.startsWith('Unexpected scalar at node end')) {
    return ['text follows a value that is complete', 'put the whole value in quotes, or start a new line']
  }
  return SAYINGS[code] ?? [`is not YAML: ${message}`, '']
}
