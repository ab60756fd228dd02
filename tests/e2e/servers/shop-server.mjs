// A stdio MCP server of a shop: who searches finds two articles, and an article takes a while to be read.
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

const READ_MS = 150;
const inputSchema = { type: 'object', properties: { text: { type: 'string' }, article: { type: 'string' } } };
let reads = 0;
const tools = {
  search: ({ text }) => ({ articles: [1, 2].map((number) => ({ id: `${text}-${number}`, price: 100 * number })) }),
  read: async ({ article }) => {
    reads++;
    await setTimeout(READ_MS);
    return { about: `all about ${article}` };
  },
  count: () => ({ reads }),
};

async function answer({ method, params }) {
  if (method === 'initialize')
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'shop', version: '1' } };
  if (method === 'tools/list')
    return { tools: Object.keys(tools).map((name) => ({ name, inputSchema, annotations: { readOnlyHint: true } })) };
  if (method !== 'tools/call') return {};
  const structuredContent = await tools[params.name](params.arguments ?? {});
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const message = JSON.parse(line);
    if (message.id === undefined || message.method === undefined) return;
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: await answer(message) })}\n`);
  })
  .on('close', () => process.exit(0));
