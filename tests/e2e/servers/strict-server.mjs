// A stdio MCP server whose tool needs an argument that its schema does not ask for.
import { createInterface } from 'node:readline';

const tools = [
  {
    name: 'find',
    description: 'Finds orders of a customer',
    inputSchema: { type: 'object', properties: { customer: { type: 'string' }, limit: { type: 'number' } } },
  },
];

function answer({ method, params }) {
  if (method === 'initialize')
    return { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'strict', version: '1' } };
  if (method === 'tools/list') return { tools };
  if (method !== 'tools/call') return {};
  const isTold = typeof params.arguments?.customer === 'string';
  return { content: [{ type: 'text', text: isTold ? 'two orders' : 'whose?' }], ...(!isTold && { isError: true }) };
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const message = JSON.parse(line);
    if (message.id === undefined || message.method === undefined) return;
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer(message) })}\n`);
  })
  .on('close', () => process.exit(0));
