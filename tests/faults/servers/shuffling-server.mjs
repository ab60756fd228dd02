// A stdio MCP server of either generation that answers in another order than it was asked. Its tool `echo` returns `text`,
// after a progress notification that holds it, too, when one is wanted; `die` ends the process with whatever is unanswered.
// Options: --era handshake|modern, --seed N.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const LIFETIME_MS = 120_000;
const MAX_HELD = 24;
const MODERN = '2026-07-28';

const { values: options } = parseArgs({
  options: { era: { type: 'string', default: 'handshake' }, seed: { type: 'string', default: '1' } },
});
const isModern = options.era === 'modern';
const random = createRandom(Number(options.seed));
let held = [];
let timer;

createInterface({ input: process.stdin }).on('line', (line) => take(JSON.parse(line)));
process.stdin.on('end', () => process.exit(0));
setTimeout(() => process.exit(9), LIFETIME_MS);

function take({ id, method, params }) {
  if (id === undefined) return;
  if (method === 'tools/call') {
    if (params.name === 'die') process.exit(7);
    held.push({ id, params });
    if (held.length >= MAX_HELD) answerHeld();
    else timer ??= setTimeout(answerHeld, 2);
    return;
  }
  const result = resultOf(method);
  send(result === undefined ? { id, error: { code: -32601, message: 'Method not found' } } : { id, result });
}

function answerHeld() {
  clearTimeout(timer);
  timer = undefined;
  for (let last = held.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [held[last], held[other]] = [held[other], held[last]];
  }
  for (const { id, params } of held) {
    const { text } = params.arguments;
    const progressToken = params._meta?.progressToken;
    if (progressToken !== undefined) send({ method: 'notifications/progress', params: { progressToken, progress: 1, message: text } });
    send({ id, result: { ...(isModern ? { resultType: 'complete' } : {}), content: [{ type: 'text', text }] } });
  }
  held = [];
}

function resultOf(method) {
  const serverInfo = { name: 'shuffling', version: '1.0.0' };
  if (method === 'initialize' && !isModern) return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo };
  if (method === 'server/discover' && isModern) {
    return { resultType: 'complete', supportedVersions: [MODERN], capabilities: { tools: {} }, ttlMs: 0, cacheScope: 'private' };
  }
  if (method === 'ping') return {};
  if (method !== 'tools/list') return undefined;
  const tools = ['echo', 'die'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  return isModern ? { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'private' } : { tools };
}

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

/** Numbers from 0 up to 1 that are the same for the same seed. */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
