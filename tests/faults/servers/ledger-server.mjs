// A stdio MCP server whose tools write, and which dies at a moment that seed, call and start decide.
// Options: --ledger FILE (what was written, one line each), --seed TEXT, --deaths SHARE of calls that kill it (0 to 1), --hold MS before each answer.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    ledger: { type: 'string' },
    seed: { type: 'string', default: '1' },
    deaths: { type: 'string', default: '0' },
    hold: { type: 'string', default: '0' },
  },
});

// Nothing a test forgets may outlive it for long.
setTimeout(() => process.exit(9), 300_000).unref();
const starts = existsSync(options.ledger) ? (readFileSync(options.ledger, 'utf8').match(/^start$/gm)?.length ?? 0) : 0;
appendFileSync(options.ledger, 'start\n');

const inputSchema = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };
const tools = [
  { name: 'pay', description: 'Pays once for each call', inputSchema },
  { name: 'put', description: 'Puts a value where it belongs', inputSchema, annotations: { idempotentHint: true } },
];

/** Moments of a call at which the process may end. */
const MOMENTS = ['before it writes', 'after it has written', 'in the middle of its answer'];

function momentOf(id) {
  const [first, second] = createHash('sha256').update(`${options.seed} ${id} ${starts}`).digest();
  return first / 256 < Number(options.deaths) ? MOMENTS[second % MOMENTS.length] : undefined;
}

function answer({ id, method, params }) {
  switch (method) {
    case 'initialize':
      return {
        id,
        result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'ledger', version: '1.0.0' } },
      };
    case 'tools/list':
      return { id, result: { tools } };
    case 'tools/call':
      return { id, result: { content: [{ type: 'text', text: `${params.name} ${params.arguments.id}` }] } };
    case 'ping':
      return { id, result: {} };
    default:
      return { id, error: { code: -32_601, message: `No method ${method}` } };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.id === undefined) return;
  const text = `${JSON.stringify({ jsonrpc: '2.0', ...answer(message) })}\n`;
  if (message.method !== 'tools/call') return void process.stdout.write(text);
  const moment = momentOf(message.params.arguments.id);
  if (moment === MOMENTS[0]) process.exit(1);
  appendFileSync(options.ledger, `${message.params.name} ${message.params.arguments.id}\n`);
  if (moment === MOMENTS[1]) process.exit(1);
  if (moment === MOMENTS[2]) return void process.stdout.write(text.slice(0, text.length / 2), () => process.exit(1));
  setTimeout(() => process.stdout.write(text), Number(options.hold));
});
