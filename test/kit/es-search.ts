/** Asking a real Elasticsearch what is in it. */

/** Whatever JSON has. */
type Json = ReturnType<typeof JSON.parse>

export async function ask(url: string, method = 'GET', body?: unknown): Promise<Json> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${text.slice(0, 500)}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** Makes what was written visible, and returns the `_source` of every document, as text: digits are not rounded. */
export async function sources(url: string, index: string): Promise<string[]> {
  await ask(`${url}/${index}/_refresh`, 'POST')
  const answer = await fetch(`${url}/${index}/_search?size=10000&filter_path=hits.hits._source`)
  const text = await answer.text()
  const hits = (JSON.parse(text, exact).hits?.hits ?? []) as Json[]
  return hits.map(({ _source }) => JSON.stringify(_source, plain))
}

export async function count(url: string, index: string): Promise<number> {
  await ask(`${url}/${index}/_refresh`, 'POST')
  return (await ask(`${url}/${index}/_count`)).count
}

function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) && source !== '-0'
    ? { digits: source }
    : value
}

/** The digits as a text behind a mark, so that two documents with the same digits are the same. */
function plain(_key: string, value: unknown): unknown {
  const digits = (value as { digits?: string } | null)?.digits
  return digits === undefined ? value : `#${digits}`
}
