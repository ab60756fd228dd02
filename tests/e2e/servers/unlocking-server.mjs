import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

const word = { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] };
const note = { uri: 'note://one', name: 'one' };

/** A server that keeps everything per session: each unlocks tools for itself, and touches what only it is told of. */
function createSession(forget) {
  const server = new Server(
    { name: 'unlocking', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } } },
  );
  const watched = new Set();
  let isUnlocked = false;
  let lists = 0;
  server.setRequestHandler(ListToolsRequestSchema, () => {
    lists++;
    const always = ['unlock', 'touch', 'lists', 'forget'].map((name) => ({ name, inputSchema: { type: 'object' } }));
    const unlocked = ['secret', 'hidden'].map((name) => ({ name, inputSchema: word }));
    return { tools: isUnlocked ? [...always, ...unlocked] : always };
  });
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [note] }));
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    watched.add(params.uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    watched.delete(params.uri);
    return {};
  });
  const tools = {
    unlock: async () => {
      isUnlocked = true;
      await server.sendToolListChanged();
      return 'unlocked';
    },
    touch: async () => {
      if (watched.has(note.uri)) await server.sendResourceUpdated({ uri: note.uri });
      return `touched for ${watched.size}`;
    },
    lists: () => `listed ${lists} times`,
    forget: () => {
      setTimeout(forget, 20);
      return 'forgetting';
    },
    secret: (args) => (isUnlocked ? `the secret is ${args.word}` : 'it is locked'),
    hidden: () => 'nobody should see this',
  };
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const text = await tools[params.name](params.arguments);
    return { content: [{ type: 'text', text }] };
  });
  return server;
}

async function serveHttp() {
  const sessions = new Map();
  const open = async () => {
    const id = randomUUID();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => id });
    await createSession(() => {
      sessions.delete(id);
      void transport.close();
    }).connect(transport);
    sessions.set(id, transport);
    return transport;
  };
  const server = createServer((request, response) => {
    const id = request.headers['mcp-session-id'];
    const known = sessions.get(id);
    if (id !== undefined && known === undefined) return response.writeHead(404).end();
    return Promise.resolve(known ?? open()).then((transport) => transport.handleRequest(request, response));
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}/mcp\n`));
}

if (process.argv.includes('--stdio')) await createSession(() => process.exit(1)).connect(new StdioServerTransport());
else await serveHttp();
