// A stdio MCP server that misbehaves on request: `--mode NAME`, see MODES. Without a mode it behaves.
// Options: --era both|handshake|modern, --name N, --prefix P, --tools N, --init-delay MS.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createAnswers, success, text } from './answers.mjs';

// Nothing a test forgets may outlive it for long.
const LIFETIME_MS = 120_000;
const FLOOD = 100_000;
const HUGE_BYTES = 100 * 1024 * 1024;
const DEEP = 100_000;

const { values: options } = parseArgs({
  options: {
    mode: { type: 'string', default: 'good' },
    era: { type: 'string', default: 'handshake' },
    name: { type: 'string', default: 'faulty' },
    prefix: { type: 'string', default: '' },
    tools: { type: 'string', default: '0' },
    'init-delay': { type: 'string', default: '0' },
  },
});

const startedPids = [];
const server = createAnswers({
  name: options.name,
  prefix: options.prefix,
  tools: Number(options.tools),
  era: options.era,
  initDelayMs: Number(options['init-delay']),
  pids: () => [process.pid, ...startedPids],
});
let calls = 0;
let lists = 0;

/**
 * A mode is what happens at the start, for messages of one method, or around every answer:
 * `start()` runs first; `[method](message)` replaces the answer and returns lines to write; `wrap(lines)` changes what is written.
 */
const MODES = {
  good: {},

  // What people print by accident.
  garbage: {
    start: () => write('Starting server on stdio...', '{"almost": json', '[1,2,3]', '""', '{"jsonrpc":"2.0"}', '\u0000\u0001\u0002'),
    wrap: (lines) => ['DEBUG: about to answer', '{"half":', ...lines, 'DEBUG: answered'],
  },
  'exit-at-once': {
    start: () => {
      process.stderr.write('fatal: cannot read the settings\n');
      process.exit(3);
    },
  },
  'exit-after-handshake': { 'notifications/initialized': () => process.exit(4) },
  'silent-initialize': { initialize: () => [], 'server/discover': () => [] },
  'silent-list': { 'tools/list': () => [] },
  'silent-call': { 'tools/call': () => [] },
  'silent-ping': { ping: () => [] },
  'crash-on-call': {
    'tools/call': () => {
      process.stderr.write('panic: the tool took the process with it\n');
      process.exit(5);
    },
  },
  'answer-twice': { wrap: (lines) => [...lines, ...lines] },
  'wrong-id': { 'tools/call': (message) => [success(`not-${message.id}`, text('for somebody else'))] },
  'unsolicited-ids': {
    wrap: (lines) => [success(987_654_321, text('nobody asked')), success(null, {}), success('7', {}), ...lines],
  },
  'flood-stdout': {
    'tools/call': async (message) => {
      const notification = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'flood' } };
      for (let sent = 0; sent < FLOOD; sent++) await write(notification);
      return [await server.answer(message)];
    },
  },
  'flood-stderr': {
    'tools/call': async (message) => {
      const line = `${'e'.repeat(199)}\n`;
      for (let sent = 0; sent < FLOOD; sent++) if (!process.stderr.write(line)) await once(process.stderr, 'drain');
      return [await server.answer(message)];
    },
  },
  'huge-line': {
    'tools/call': async ({ id }) => {
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      process.stdout.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[{"type":"text","text":"`);
      for (let sent = 0; sent < HUGE_BYTES; sent += chunk.length) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
      process.stdout.write('"}]}}\n');
      return [];
    },
  },
  'invalid-utf8': {
    'tools/call': ({ id }) => {
      const [head, tail] = JSON.stringify(success(id, text('#'))).split('#');
      return [Buffer.concat([Buffer.from(head), Buffer.from([0xc3, 0x28, 0xff, 0xfe]), Buffer.from(tail)])];
    },
  },
  'deep-result': {
    'tools/call': ({ id }) => [
      `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"content":[],"structuredContent":${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}}}`,
    ],
  },
  'cursor-cycle': { 'tools/list': ({ id, params }) => [listPage(id, params?.cursor, params?.cursor === 'a' ? 'b' : 'a')] },
  'endless-cursors': { 'tools/list': ({ id, params }) => [listPage(id, params?.cursor, `page-${++lists}`)] },
  // Each list has one tool more than the one before, and every call announces the change.
  'changing-list': {
    'tools/list': ({ id }) => {
      lists++;
      const added = Array.from({ length: lists }, (_, index) => ({ name: `added_${index + 1}`, inputSchema: { type: 'object' } }));
      return [success(id, { tools: [...server.tools, ...added] })];
    },
    'tools/call': async (message) => [await server.answer(message), { jsonrpc: '2.0', method: 'notifications/tools/list_changed' }],
  },
  // The first call kills the process, later ones (in a new process) too: only every other answer arrives.
  flaky: {
    'tools/call': async (message) => {
      if (++calls % 2 === 0) process.exit(6);
      return [await server.answer(message)];
    },
  },
  // Ignores every polite way to end, and so does its child in the same process group.
  stubborn: {
    start: () => {
      ignoreEnd();
      return startSleeper({ detached: false });
    },
  },
  // A grandchild in a session of its own whose parent is gone: no process group and no parent leads to it.
  daemon: { start: () => startSleeper({ detached: true }) },
};

const SLEEPERS = {
  sleeper: () => {
    ignoreEnd();
    process.stdout.write(`${process.pid}\n`);
    endAfter(LIFETIME_MS);
  },
  'sleeper-parent': async () => {
    const sleeper = startSelf('sleeper', { detached: true });
    const [line] = await once(sleeper.stdout, 'data');
    process.stdout.write(line, () => process.exit(0));
  },
};

if (SLEEPERS[options.mode] === undefined) await serve(MODES[options.mode]);
else await SLEEPERS[options.mode]();

async function serve(mode) {
  if (mode === undefined) {
    process.stderr.write(`Unknown mode "${options.mode}"; known are ${Object.keys(MODES).join(', ')}\n`);
    process.exit(2);
  }
  endAfter(LIFETIME_MS);
  process.stdout.on('error', () => process.exit(1));
  await mode.start?.();
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => void answerLine(line, mode));
  lines.on('close', () => {
    if (options.mode !== 'stubborn') process.exit(0);
  });
}

async function answerLine(line, mode) {
  const message = JSON.parse(line);
  const special = mode[message.method];
  if (special !== undefined) {
    await write(...(await special(message)));
    return;
  }
  const answer = await server.answer(message);
  const lines = answer === undefined ? [] : [answer];
  await write(...(mode.wrap !== undefined && answer !== undefined ? mode.wrap(lines) : lines));
}

/** Writes messages, raw text or raw bytes, a line each. */
async function write(...lines) {
  for (const line of lines) {
    const bytes = Buffer.isBuffer(line) ? line : Buffer.from(typeof line === 'string' ? line : JSON.stringify(line));
    if (!process.stdout.write(Buffer.concat([bytes, Buffer.from('\n')]))) await once(process.stdout, 'drain');
  }
}

function listPage(id, cursor, nextCursor) {
  return success(id, { tools: cursor === undefined ? server.tools : [], nextCursor });
}

function ignoreEnd() {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.stderr.write(`ignoring ${signal}\n`));
}

async function startSleeper({ detached }) {
  const child = startSelf(detached ? 'sleeper-parent' : 'sleeper', { detached: false });
  const [line] = await once(child.stdout, 'data');
  startedPids.push(Number(String(line)));
}

function startSelf(mode, { detached }) {
  return spawn(process.execPath, [fileURLToPath(import.meta.url), '--mode', mode, '--name', options.name], {
    detached,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function endAfter(ms) {
  setTimeout(() => process.exit(9), ms).ref();
}
