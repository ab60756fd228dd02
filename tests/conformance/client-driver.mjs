import { openHandshake } from './kit/client/handshake.mjs';
import { openModern } from './kit/client/modern.mjs';
import { toHeaderValue } from './kit/wire/protocol.mjs';
import { startGateway } from './kit/targets/signalbox.mjs';

const patienceMs = 10_000;

/**
 * What a client suite runs as the client under test: it starts the gateway with the suite's server as its only upstream and
 * uses everything it finds there. So the suite sees the gateway's side that faces servers.
 * The suite appends its server's address to the command, and sets the variables.
 */
async function main() {
  const url = process.argv.at(-1);
  const { MCP_CONFORMANCE_PROTOCOL_VERSION: version = '2025-11-25', MCP_CONFORMANCE_CONTEXT: context = '{}' } = process.env;
  const gateway = await startGateway([{ name: 'suite', url }]);
  try {
    const open = version === '2026-07-28' ? openModern : openHandshake;
    const client = await open({ url: gateway.url, reply, timeoutMs: patienceMs });
    await useAll(client, JSON.parse(context));
    await client.close();
  } finally {
    await gateway.stop();
  }
}

async function useAll(client, { toolCalls }) {
  const tools = await listTools(client);
  const calls = toolCalls ?? tools.map(({ name, inputSchema }) => ({ name, arguments: toArguments(inputSchema, tools) }));
  // At the same time, so that what belongs to one call could get into another.
  await Promise.all(calls.map((params) => attempt(client, 'tools/call', params, { headers: toMirrored(params, tools) })));
  for (const { uri } of await list(client, 'resources/list', 'resources')) await attempt(client, 'resources/read', { uri });
  for (const { name, arguments: wanted = [] } of await list(client, 'prompts/list', 'prompts')) {
    await attempt(client, 'prompts/get', { name, arguments: Object.fromEntries(wanted.map((each) => [each.name, 'text'])) });
  }
}

// The gateway serves before its server is up, and a server may have no tools at all.
async function listTools(client) {
  const deadline = Date.now() + 8000;
  for (;;) {
    const tools = await list(client, 'tools/list', 'tools');
    if (tools.length > 0 || Date.now() > deadline) return tools;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function list(client, method, member) {
  const answer = await attempt(client, method, {});
  return answer?.response.result?.[member] ?? [];
}

/** The headers in which a modern client repeats the arguments that their schema names one for. */
function toMirrored({ name, arguments: given }, tools) {
  const properties = tools.find((tool) => tool.name === name)?.inputSchema?.properties ?? {};
  const mirrored = Object.entries(properties).filter(
    ([key, schema]) => isHeaderName(schema?.['x-mcp-header']) && (given[key] ?? null) !== null,
  );
  return Object.fromEntries(
    mirrored.map(([key, schema]) => [`mcp-param-${schema['x-mcp-header']}`.toLowerCase(), toHeaderValue(given[key])]),
  );
}

const isHeaderName = (value) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(value ?? '');

/** Makes a request; one that fails is the suite's to judge. */
async function attempt(client, method, params, options) {
  try {
    const exchange = await client.request(method, params, options);
    process.stdout.write(`${method} ${JSON.stringify(exchange.response).slice(0, 300)}\n`);
    return exchange;
  } catch (error) {
    process.stdout.write(`${method} ${error.message}\n`);
    return undefined;
  }
}

/** Arguments that fit a schema. An argument that is to be a schema gets the first one in the list. */
function toArguments(schema, tools) {
  const entries = Object.entries(schema?.properties ?? {}).filter(([key]) => schema.required?.includes(key));
  return Object.fromEntries(entries.map(([key, each]) => [key, key === 'schema' ? tools[0].inputSchema : toValue(each)]));
}

function toValue({ type, enum: choices, default: given }) {
  if (given !== undefined) return given;
  if (choices !== undefined) return choices[0];
  return { string: 'text', number: 1.5, integer: 1, boolean: true, array: [], null: null }[type] ?? {};
}

/** Accepts what the user is asked, leaving every field at its default. */
function reply({ method, params }) {
  if (method === 'roots/list') return { roots: [] };
  if (method === 'sampling/createMessage') return { role: 'assistant', model: 'none', content: { type: 'text', text: 'text' } };
  const fields = Object.entries(params?.requestedSchema?.properties ?? {});
  return {
    action: 'accept',
    content: Object.fromEntries(fields.flatMap(([key, { default: value }]) => (value === undefined ? [] : [[key, value]]))),
  };
}

await main();
