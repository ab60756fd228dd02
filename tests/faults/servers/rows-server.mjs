// A stdio MCP server whose answers are as large as is asked for: rows with a schema, a log, a picture.
import { createInterface } from 'node:readline';

// Nothing a test forgets may outlive it for long.
setTimeout(() => process.exit(9), 300_000).unref();

const count = { type: 'object', properties: { count: { type: 'integer', minimum: 0 } }, required: ['count'] };
const row = {
  type: 'object',
  properties: { id: { type: 'integer' }, name: { type: 'string' } },
  required: ['id', 'name'],
  additionalProperties: false,
};
const rows = {
  type: 'object',
  properties: { total: { type: 'integer' }, rows: { type: 'array', items: row } },
  required: ['total', 'rows'],
  additionalProperties: false,
};
const tools = [
  { name: 'rows', description: 'Gives so many rows', inputSchema: count, outputSchema: rows, annotations: { readOnlyHint: true } },
  { name: 'log', description: 'Gives so many lines', inputSchema: count, annotations: { readOnlyHint: true } },
  { name: 'picture', description: 'Gives a picture of so many bytes', inputSchema: count, annotations: { readOnlyHint: true } },
];

const RUN = {
  rows: ({ count }) => {
    const structuredContent = { total: count, rows: Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}` })) };
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
  },
  log: ({ count }) => ({
    content: [{ type: 'text', text: Array.from({ length: count }, (_, line) => `line ${line} of the log`).join('\n') }],
  }),
  picture: ({ count }) => ({ content: [{ type: 'image', mimeType: 'image/png', data: 'A'.repeat(4 * Math.ceil(count / 3)) }] }),
};

function answer({ method, params }) {
  switch (method) {
    case 'initialize':
      return { result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'rows', version: '1.0.0' } } };
    case 'tools/list':
      return { result: { tools } };
    case 'tools/call':
      return { result: RUN[params.name](params.arguments) };
    case 'ping':
      return { result: {} };
    default:
      return { error: { code: -32_601, message: `No method ${method}` } };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, ...message } = JSON.parse(line);
  if (id !== undefined) process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer(message) })}\n`);
});
