import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { need } from './cache.ts'
import { chooseWay, createContainer, keepContainer, runContainer } from './docker.ts'
import { IMAGES } from './images.ts'
import { eventually, run } from './process.ts'
import { alive, runOwner, stopKept } from './service.ts'

/**
 * An engine's client that writes down what it is told, one call a line. It answers when there is a file `engine`, has the
 * images of the file `images`, and `start` is a program that prints `ready` and lives until stop, kill or rm.
 */
const CLIENT = `#!/bin/sh
cd "$(dirname "$0")"
printf '%s|' "$@" >> calls; echo >> calls
for last; do :; done
case "$1" in
  version) [ -f engine ] && echo 28.0 || { echo 'Cannot connect to the daemon' >&2; exit 1; } ;;
  image) grep -qxF "$3" images 2>/dev/null ;;
  pull) echo 'no such host' >&2; exit 1 ;;
  cp) [ ! -f full ] || { echo 'no space left' >&2; exit 1; } ;;
  ps) cat containers 2>/dev/null; exit 0 ;;
  start) echo $$ > "$3.pid"; echo ready; exec sleep 120 ;;
  stop) kill "$(cat "$last.pid")" ;;
  kill|rm) kill -9 "$(cat "$last.pid")" ;;
esac
`

interface Engine {
  /** Calls of the commands that begin with this word, without the word. */
  calls(word: string): string[][]
  write(file: 'engine' | 'images' | 'containers' | 'full', text: string): void
}

function fakeEngine(t: TestContext, wish: string): Engine {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-engine-'))
  const client = join(folder, 'client')
  writeFileSync(client, CLIENT)
  chmodSync(client, 0o755)
  process.env['SLUICE_DOCKER'] = client
  process.env['SLUICE_SERVICES'] = wish
  t.after(() => {
    delete process.env['SLUICE_DOCKER']
    delete process.env['SLUICE_SERVICES']
    rmSync(folder, { recursive: true, force: true })
  })
  const calls = join(folder, 'calls')
  return {
    calls: word =>
      (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n') : [])
        .map(line => line.split('|').slice(0, -1))
        .filter(call => call[0] === word)
        .map(call => call.slice(1)),
    write: (file, text) => writeFileSync(join(folder, file), text),
  }
}

// Scenario: every wish, with no engine, an engine without the image, and an engine that has it.
// Guarantees: auto takes Docker only when everything is there; docker takes nothing else and says what is missing and what
// to do; local asks no engine; a wish that does not exist is refused.
test('how a server is had', async t => {
  const image = 'kafka'
  const engine = fakeEngine(t, 'auto')
  const way = (wish: string) => {
    process.env['SLUICE_SERVICES'] = wish
    return chooseWay(image)
  }
  assert.equal(await way('auto'), 'local')
  await assert.rejects(way('docker'), /says: Cannot connect to the daemon\. Start the engine/)
  engine.write('engine', '')
  assert.equal(await way('auto'), 'local')
  await assert.rejects(
    way('docker'),
    /has no image apache\/kafka\S+ and cannot get it: no such host\. Load it/,
  )
  assert.deepEqual(engine.calls('pull').at(-1), ['--quiet', IMAGES.kafka.name])
  engine.write('images', `${IMAGES.kafka.name}\n`)
  assert.equal(await way('auto'), 'docker')
  assert.equal(await way('docker'), 'docker')
  const asked = engine.calls('version').length
  assert.equal(await way('local'), 'local')
  assert.equal(engine.calls('version').length, asked)
  await assert.rejects(way('dokcer'), /SLUICE_SERVICES is "dokcer"; it may be auto, docker or local/)
  process.env['SLUICE_DOCKER'] = 'no-such-engine'
  await assert.rejects(way('docker'), /there is no program no-such-engine/)
})

// Scenario: containers with published ports, with the machine's network, with files, that stay, and one that cannot be
// given its files.
// Guarantees: the command line has label, memory and 127.0.0.1; it goes by itself unless it is to stay; what failed is
// removed.
test('what a container is made of', async t => {
  const engine = fakeEngine(t, 'docker')
  const name = await createContainer({
    image: 'kafka',
    word: 'node-1',
    args: ['bash', '-c', 'x y'],
    env: { HEAP: '-Xmx1m -Xms1m' },
    ports: [20_001, 20_002],
    files: { '/tmp/given': '/here' },
  })
  assert.match(name, new RegExp(`^sluice-${runOwner()}-${process.pid}-\\d+-node-1$`))
  const label = `sluice.services=${hostname()}`
  const common = (name: string) => ['--name', name, '--label', label, '--memory', '1g']
  const published = ['--publish', '127.0.0.1:20001:20001', '--publish', '127.0.0.1:20002:20002']
  const env = ['--env', 'HEAP=-Xmx1m -Xms1m']
  const expected = [...common(name), '--rm', ...published, ...env, IMAGES.kafka.name, 'bash', '-c', 'x y']
  assert.deepEqual(engine.calls('create'), [expected])
  assert.deepEqual(engine.calls('cp'), [['/here', `${name}:/tmp/given`]])

  const stays = await createContainer({ image: 'jaeger', word: 'jaeger', stays: true })
  assert.deepEqual(engine.calls('create')[1], [...common(stays), '--network', 'host', IMAGES.jaeger.name])

  engine.write('full', '')
  const files = { '/a': '/b' }
  await assert.rejects(createContainer({ image: 'jaeger', word: 'jaeger', files }), /no space left/)
  const failed = engine.calls('create')[2]![1]!
  assert.deepEqual(engine.calls('rm'), [['--force', '--volumes', failed]])
})

// Scenario: one container under a keeper is stopped, one is killed, one loses the owner of its run; one is a child.
// Guarantees: the engine is told, not only its client; the keeper ends with the container.
test('stopping, killing and leaving a container', { timeout: 60_000 }, async t => {
  const engine = fakeEngine(t, 'docker')
  const folder = mkdtempSync(join(tmpdir(), 'sluice-keeper-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const log = join(folder, 'log')
  const started = async (name: string) => {
    const kept = keepContainer(name, log)
    const up = () => existsSync(join(process.env['SLUICE_DOCKER']!, '..', `${name}.pid`)) || undefined
    await eventually(up, 'the start')
    return kept
  }
  const one = await started('one')
  assert.equal(one.container, 'one')
  await stopKept(one)
  assert.deepEqual(engine.calls('stop'), [['-t', '15', 'one']])
  assert.equal(alive(one.pid), false)
  await stopKept(await started('two'), 'SIGUSR2')
  assert.deepEqual(engine.calls('kill'), [['two']])
  assert.match(readFileSync(log, 'utf8'), /^ready$/m)

  const owner = run('true', [])
  await owner.ended
  const keeper = new URL('keeper.ts', import.meta.url).pathname
  const client = process.env['SLUICE_DOCKER']!
  await run(process.execPath, [keeper, String(owner.pid), 'three', client, 'start', '--attach', 'three'])
    .ended
  assert.deepEqual(engine.calls('rm'), [['--force', '--volumes', 'three']])

  const child = await runContainer({ image: 'jaeger', word: 'jaeger' })
  await child.printed(/ready/)
  await child.stop('SIGTERM', 3000)
  const name = engine.calls('create').at(-1)![1]!
  assert.deepEqual(engine.calls('stop').at(-1), ['-t', '3', name])
})

// Scenario: the engine has containers of this run, of one that was killed, and somebody else's.
// Guarantees: only what the killed one left is removed.
test('what a killed run has left', async t => {
  const engine = fakeEngine(t, 'docker')
  engine.write('engine', '')
  engine.write('images', IMAGES.prometheus.name)
  const gone = run('true', [])
  await gone.ended
  const left = [`sluice-${gone.pid}-1-0-node-1`, `sluice-${gone.pid}-2-0-jaeger`]
  engine.write('containers', [`sluice-${runOwner()}-1-0-node-1`, ...left, 'sluice-shop', 'db', ''].join('\n'))
  assert.equal(await chooseWay('prometheus'), 'docker')
  const filter = `label=sluice.services=${hostname()}`
  assert.deepEqual(engine.calls('ps'), [['--all', '--filter', filter, '--format', '{{.Names}}']])
  assert.deepEqual(engine.calls('rm'), [['--force', '--volumes', ...left]])
})

// Scenario: tests need servers whose image is not there, with each wish; the last test here, because no test of the process
// pulls after one has asked.
// Guarantees: a test's time is not spent on pulling; it goes on without Docker, or is told what to do.
test('nothing is pulled for a test', async t => {
  const engine = fakeEngine(t, 'auto')
  engine.write('engine', '')
  assert.equal(await need(t, 'Kafka', () => chooseWay('kafka')), 'local')
  process.env['SLUICE_SERVICES'] = 'docker'
  await assert.rejects(chooseWay('kafka'), /has no image apache\/kafka\S+ yet; .*prepare\.ts kafka gets it/)
  assert.deepEqual(engine.calls('pull'), [])
})
