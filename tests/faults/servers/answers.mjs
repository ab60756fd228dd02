/** What a well-behaved server answers, in both generations of the protocol. The misbehaving ones start from here. */

const MODERN = '2026-07-28';
const HANDSHAKE = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const META = 'io.modelcontextprotocol/';

const BASE_TOOLS = [
  tool('echo', 'Returns its text unchanged', { text: { type: 'string' } }, ['text']),
  tool('sleep', 'Answers after some milliseconds', { ms: { type: 'integer', minimum: 0, maximum: 60_000 } }, ['ms']),
  tool('big', 'Returns a text of some KiB', { kib: { type: 'integer', minimum: 1, maximum: 65_536 } }, ['kib']),
  tool('env', 'Returns the environment variables of the process as JSON', {}, []),
  tool('pids', 'Returns the ids of this process and of those it started as JSON', {}, []),
];

/**
 * Creates the answering side of a server.
 * @param {{ name?: string, prefix?: string, tools?: number, era?: 'both' | 'handshake' | 'modern', initDelayMs?: number, pids?: () => number[] }} [options]
 *   `tools` adds that many generated ones; `prefix` goes in front of every name.
 */
export function createAnswers({ name = 'faulty', prefix = '', tools = 0, era = 'both', initDelayMs = 0, pids = () => [process.pid] } = {}) {
  const info = { name, version: '1.0.0' };
  const generated = Array.from({ length: tools }, (_, index) => tool(`tool_${index}`, `Generated tool ${index}`, {}, []));
  const list = [...BASE_TOOLS, ...generated].map((definition) => ({ ...definition, name: prefix + definition.name }));

  const callTool = async ({ name: called, arguments: given = {} } = {}) => {
    const bare = String(called).slice(prefix.length);
    if (bare === 'echo') return text(String(given.text));
    if (bare === 'sleep') {
      await pause(given.ms);
      return text(`slept ${given.ms}`);
    }
    if (bare === 'big') return text('x'.repeat(given.kib * 1024));
    if (bare === 'env') return text(JSON.stringify(process.env));
    if (bare === 'pids') return text(JSON.stringify(pids()));
    if (bare.startsWith('tool_')) return text('ok');
    return undefined;
  };

  const resultOf = async ({ method, params }, isModern) => {
    if (method === 'initialize' && era !== 'modern') {
      await pause(initDelayMs);
      const protocolVersion = HANDSHAKE.includes(params?.protocolVersion) ? params.protocolVersion : HANDSHAKE[0];
      return { protocolVersion, capabilities: { tools: { listChanged: true } }, serverInfo: info };
    }
    if (method === 'server/discover' && era !== 'handshake') {
      await pause(initDelayMs);
      return { supportedVersions: [MODERN, ...(era === 'both' ? HANDSHAKE : [])], capabilities: { tools: { listChanged: true } } };
    }
    if (method === 'ping' && !isModern) return {};
    if (method === 'tools/list') return { tools: list };
    if (method === 'tools/call') return callTool(params);
    return undefined;
  };

  return {
    tools: list,
    /** Resolves with the answer to a message, or with nothing for one that wants none. */
    async answer(message) {
      if (message.id === undefined || message.method === undefined) return undefined;
      const isModern = message.params?._meta?.[`${META}protocolVersion`] !== undefined;
      if (isModern && era === 'handshake') return failure(message.id, -32601, 'Method not found');
      const result = await resultOf(message, isModern);
      if (result === undefined) {
        const isUnknownTool = message.method === 'tools/call';
        return failure(
          message.id,
          isUnknownTool ? -32602 : -32601,
          isUnknownTool ? `Unknown tool: ${message.params?.name}` : 'Method not found',
        );
      }
      return success(message.id, isModern ? toModern(result, message.method, info) : result);
    },
  };
}

/** A successful answer. */
export function success(id, result) {
  return { jsonrpc: '2.0', id, result };
}

/** A refusal. */
export function failure(id, code, message) {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

/** The result of a tool that has only text to say. */
export function text(content) {
  return { content: [{ type: 'text', text: content }] };
}

/** Resolves after some milliseconds. */
export function pause(ms) {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}

function toModern(result, method, info) {
  const cacheable = method === 'tools/list' || method === 'server/discover' ? { ttlMs: 0, cacheScope: 'private' } : {};
  return { resultType: 'complete', ...cacheable, ...result, _meta: { [`${META}serverInfo`]: info } };
}

function tool(name, description, properties, required) {
  return { name, description, inputSchema: { type: 'object', properties, required, additionalProperties: false } };
}
