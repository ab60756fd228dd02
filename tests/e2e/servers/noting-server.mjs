// A stdio MCP server that notes what happens to it. Options: --name N (in front of what it says of itself), --delay MS before it opens,
// --shared FILE with the names of more tools, one a line, to which the tool "grow" adds one.
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { name: { type: 'string', default: 'noting' }, delay: { type: 'string', default: '0' }, shared: { type: 'string' } },
});
const resource = `note://${options.name}`;
const waiting = new Map();
let cancelled = 0;
let runs = 0;

const tools = {
  who: () => `${options.name} ${process.pid}`,
  touch: () => {
    write({ method: 'notifications/resources/updated', params: { uri: resource } });
    return 'touched';
  },
  log: () => {
    for (const level of ['info', 'error']) write({ method: 'notifications/message', params: { level, data: `${level} line` } });
    return 'logged';
  },
  wait: ({ ms }, id) => new Promise((resolve) => waiting.set(JSON.stringify(id), setTimeout(resolve, ms, 'waited'))),
  cancelled: () => String(cancelled),
  repeat: ({ text }) => text,
  run: () => `run ${++runs} of ${process.pid}`,
};

if (options.shared !== undefined)
  tools.grow = ({ tool }) => {
    appendFileSync(options.shared, `${tool}\n`);
    write({ method: 'notifications/tools/list_changed' });
    return String(process.pid);
  };

function listTools() {
  const more = options.shared === undefined ? [] : readFileSync(options.shared, 'utf8').split('\n').slice(0, -1);
  return [...Object.keys(tools), ...more].map((name) => ({ name, inputSchema: { type: 'object' } }));
}

async function answer({ id, method, params }) {
  switch (method) {
    case 'initialize':
      await sleep(Number(options.delay));
      return {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {}, logging: {}, resources: { subscribe: true } },
        serverInfo: { name: options.name, version: '1' },
      };
    case 'tools/list':
      return { tools: listTools() };
    case 'resources/list':
      return { resources: [{ uri: resource, name: 'note' }] };
    case 'tools/call':
      return { content: [{ type: 'text', text: await tools[params.name](params.arguments ?? {}, id) }] };
    case 'resources/templates/list':
      return { resourceTemplates: [] };
    default:
      return {};
  }
}

function write(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const message = JSON.parse(line);
    if (message.method === 'notifications/cancelled') {
      const id = JSON.stringify(message.params.requestId);
      clearTimeout(waiting.get(id));
      if (waiting.delete(id)) cancelled++;
    }
    if (message.id !== undefined && message.method !== undefined) write({ id: message.id, result: await answer(message) });
  })
  .on('close', () => process.exit(0));
