/** What the upstreams of the benchmarks answer, as cheaply as possible, in both generations of the protocol. */

const MODERN = '2026-07-28';
const HANDSHAKE = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const META = 'io.modelcontextprotocol/';

/**
 * Creates the answering side of an upstream.
 * @param {{ name: string, prefix?: string, tools?: number, initDelayMs?: number }} options
 *   `tools` is the length of its list, `prefix` stands in front of every name.
 * @returns a function from a parsed message to the text of its answer, a promise of it, or nothing.
 */
export function createAnswers({ name, prefix = '', tools = 6, initDelayMs = 0 }) {
  const info = { name, version: '1.0.0' };
  const meta = { _meta: { [`${META}serverInfo`]: info } };
  const list = listOf(tools).map((tool) => ({ ...tool, name: prefix + tool.name }));
  const lists = {
    handshake: JSON.stringify({ tools: list }),
    modern: JSON.stringify({ resultType: 'complete', ttlMs: 60_000, cacheScope: 'public', tools: list, ...meta }),
  };
  const tail = { handshake: '}', modern: `,"resultType":"complete",${JSON.stringify(meta).slice(1)}` };

  const resultOf = ({ method, params }, era) => {
    if (method === 'tools/call') return callTool(params, tail[era]);
    if (method === 'tools/list') return lists[era];
    if (method === 'ping' && era === 'handshake') return '{}';
    if (method === 'initialize') {
      const protocolVersion = HANDSHAKE.includes(params.protocolVersion) ? params.protocolVersion : HANDSHAKE[0];
      return after(initDelayMs, JSON.stringify({ protocolVersion, capabilities: { tools: {} }, serverInfo: info }));
    }
    if (method === 'server/discover') {
      const supportedVersions = [MODERN, ...HANDSHAKE];
      return after(
        initDelayMs,
        JSON.stringify({
          resultType: 'complete',
          supportedVersions,
          capabilities: { tools: {} },
          ttlMs: 60_000,
          cacheScope: 'public',
          ...meta,
        }),
      );
    }
    return undefined;
  };

  return (message) => {
    if (message.id === undefined) return undefined;
    const era = message.params?._meta?.[`${META}protocolVersion`] === undefined ? 'handshake' : 'modern';
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},`;
    const result = resultOf(message, era);
    if (result === undefined) return `${head}"error":{"code":-32601,"message":"Method not found"}}`;
    if (typeof result === 'string') return `${head}"result":${result}}`;
    return result.then((text) => `${head}"result":${text}}`);
  };
}

function callTool({ name, arguments: given }, tail) {
  if (name.endsWith('echo')) return `{"content":[{"type":"text","text":${JSON.stringify(given.text)}}]${tail}`;
  if (name.endsWith('big')) return `{"content":[{"type":"text","text":${bigText(given.kib)}}]${tail}`;
  // A call that never ends is what a hung upstream looks like.
  if (name.endsWith('hang')) return new Promise(() => undefined);
  if (name.endsWith('wait')) return after(given.ms, `{"content":[{"type":"text","text":"waited"}]${tail}`);
  if (name.endsWith('note')) return `{"content":[{"type":"text","text":"${note(given.key)}"}]${tail}`;
  if (name.endsWith('counts')) return `{"content":[{"type":"text","text":${JSON.stringify(JSON.stringify(countNotes()))}}]${tail}`;
  return `{"content":[{"type":"text","text":"ok"}]${tail}`;
}

// How often each key was noted, by the number in it.
const notes = new Map();

function note(key) {
  const times = (notes.get(key) ?? 0) + 1;
  notes.set(key, times);
  return `${key} ${times}`;
}

function countNotes() {
  const doubled = [...notes].filter(([, times]) => times > 1).map(([key]) => key);
  return { keys: notes.size, doubled: doubled.length, examples: doubled.slice(0, 5) };
}

const bigTexts = new Map();

function bigText(kib) {
  if (!bigTexts.has(kib))
    bigTexts.set(kib, JSON.stringify('A line of text with "quotes", a tab\t and a break\n'.repeat(1 + kib * 21).slice(0, kib * 1024)));
  return bigTexts.get(kib);
}

function after(ms, text) {
  return ms === 0 ? text : new Promise((resolve) => setTimeout(() => resolve(text), ms));
}

function listOf(length) {
  const basic = [
    {
      name: 'echo',
      description: 'Returns its text',
      inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    },
    {
      name: 'big',
      description: 'Returns a text of some KiB',
      inputSchema: { type: 'object', properties: { kib: { type: 'integer' } }, required: ['kib'] },
    },
    { name: 'hang', description: 'Never answers', inputSchema: { type: 'object' } },
    {
      name: 'wait',
      description: 'Answers after a while',
      inputSchema: { type: 'object', properties: { ms: { type: 'integer' } }, required: ['ms'] },
    },
    {
      name: 'note',
      description: 'Notes a key and tells how often it was noted',
      inputSchema: { type: 'object', properties: { key: { type: 'string' } }, required: ['key'] },
    },
    { name: 'counts', description: 'Tells how many keys were noted, and which more than once', inputSchema: { type: 'object' } },
  ];
  const generated = Array.from({ length: Math.max(0, length - basic.length) }, (_, index) => generatedTool(`tool_${index}`, index));
  return [...basic, ...generated];
}

// About as long as the tools of real servers: 1.1 KiB each.
function generatedTool(name, index) {
  const describe = (what) => `The ${what} of the entry this tool works on. Case does not matter; leave it out to mean all of them.`;
  const properties = {
    owner: { type: 'string', minLength: 1, description: describe('owner') },
    number: { type: 'integer', minimum: 1, description: describe('number') },
    state: { type: 'string', enum: ['open', 'closed', 'all'], default: 'open', description: describe('state') },
    labels: { type: 'array', items: { type: 'string' }, maxItems: 20, description: describe('labels') },
    since: { type: ['string', 'null'], format: 'date-time', description: describe('time of the last change') },
    page: { type: 'integer', minimum: 1, default: 1 },
  };
  const description = `Tool number ${index}. It looks for entries, changes them, or tells about them, as its arguments say. Use it when asked to.`;
  return {
    name,
    title: name.replaceAll('_', ' '),
    description,
    inputSchema: { type: 'object', properties, required: ['owner', 'number'], additionalProperties: false },
    annotations: { readOnlyHint: index % 2 === 0, openWorldHint: true },
  };
}
