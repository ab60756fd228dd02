// A stdio MCP server of which one tool answers alike however a place is written, and the other by the letter.
import { createInterface } from 'node:readline';

const inputSchema = { type: 'object', properties: { place: { type: 'string' } } };
const calls = { find_place: 0, find_word: 0 };
const tools = {
  find_place: ({ place }) => `the page of ${place.toLowerCase().replaceAll(/[^a-z]+/g, '')}`,
  find_word: ({ place }) => `the page of ${place}`,
  count: () => JSON.stringify(calls),
};

function answer({ method, params }) {
  if (method === 'initialize')
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'places', version: '1' } };
  if (method === 'tools/list') return { tools: Object.keys(tools).map((name) => ({ name, inputSchema })) };
  if (method !== 'tools/call') return {};
  if (params.name in calls) calls[params.name]++;
  return { content: [{ type: 'text', text: tools[params.name](params.arguments ?? {}) }] };
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line);
    if (message.id === undefined || message.method === undefined) return;
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message) })}\n`);
  })
  .on('close', () => process.exit(0));
