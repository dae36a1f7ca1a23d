/** How clients introduce themselves, in the Collector's form: `name/version (os/architecture)`, with Go's names. */

const SYSTEMS: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' }
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

export function userAgent({ name, version }: { readonly name: string; readonly version: string }): string {
  const { platform, arch } = process
  return `${name}/${version} (${SYSTEMS[platform] ?? platform}/${ARCHITECTURES[arch] ?? arch})`
}
