import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { isObject, parseJson, stringifyJson } from '../wire/json.mjs';
import { code, fromHeaderValue, metaKey, modernRevision, nameMember, RpcError, toErrorMessage } from '../wire/protocol.mjs';
import { eventHeaders, toEvent } from '../wire/sse.mjs';
import { createSession } from './handshake.mjs';
import { createModern } from './modern.mjs';

const statusOf = {
  [code.methodNotFound]: 404,
  [code.invalidParams]: 400,
  [code.headerMismatch]: 400,
  [code.missingCapability]: 400,
  [code.unsupportedVersion]: 400,
};

/**
 * Serves Streamable HTTP on the loopback address, in both generations or in one.
 * @param {{ createWorld: (restart: () => void) => any, era: 'both' | 'handshake' | 'modern', port: number }} options
 * @returns {Promise<{ url: string, close: () => void }>} The address of the endpoint, and what ends it.
 */
export async function serveHttp({ createWorld, era, port }) {
  let bound = port;
  let life = begin();
  const server = createServer((request, response) => {
    life.serve(request, response).catch((error) => (response.headersSent ? response.end() : refuse(response, 500, error)));
  });
  // A check may hold hundreds of calls.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  let restarting;
  await listen();
  return { url: `http://127.0.0.1:${bound}/mcp`, close };

  function listen() {
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(bound, '127.0.0.1', () => resolve((bound = server.address().port)));
    });
  }

  function begin() {
    const world = createWorld(restart);
    return createEndpoint({ world, era });
  }

  // As a process that dies and is started again by whoever looks after it: everything is gone, and the port is closed a while.
  function restart() {
    close();
    restarting = setTimeout(() => {
      life = begin();
      listen().catch((error) => {
        throw error;
      });
    }, 200);
  }

  function close() {
    clearTimeout(restarting);
    server.close();
    server.closeAllConnections();
    life.close();
  }
}

function createEndpoint({ world, era }) {
  const sessions = new Map();
  const modern = createModern({ world });
  return {
    serve,
    close: () => {
      for (const { session } of sessions.values()) session.close();
    },
  };

  async function serve(request, response) {
    const version = request.headers['mcp-protocol-version'];
    if (request.method !== 'POST') {
      if (era === 'modern' || version === modernRevision) return void response.writeHead(405, { allow: 'POST' }).end();
      return request.method === 'GET' ? openStream(request, response) : endSession(request, response);
    }
    const message = parseJson(await readBody(request));
    if (!isObject(message)) return refuse(response, 400, new RpcError(code.invalidRequest, 'A message must be an object'));
    const claims = isObject(message.params?._meta) && metaKey.protocolVersion in message.params._meta;
    const isModern = era === 'modern' || (era === 'both' && (version === modernRevision || claims || message.method === 'server/discover'));
    return isModern ? postModern(request, response, message) : postHandshake(request, response, message);
  }

  async function postModern(request, response, message) {
    if (message.id === undefined) {
      modern.hear(message);
      return void response.writeHead(202).end();
    }
    const mismatch = modern.knows(message.method) ? findMismatch(request.headers, message) : undefined;
    if (mismatch !== undefined) return refuse(response, 400, new RpcError(code.headerMismatch, mismatch), message.id);
    const abort = new AbortController();
    response.on('close', () => abort.abort(new Error('The stream was closed')));
    const channel = createChannel(response);
    const answer = await modern.receive(message, { send: channel.send, signal: abort.signal, headers: request.headers });
    channel.finish(answer, answer?.error ? (statusOf[answer.error.code] ?? 200) : 200);
  }

  async function postHandshake(request, response, message) {
    const entry = message.method === 'initialize' ? start() : find(request, response);
    if (entry === undefined) return undefined;
    if (message.method === 'initialize') response.setHeader('mcp-session-id', entry.id);
    if (message.id === undefined || message.method === undefined) {
      await entry.session.receive(message, { send: () => undefined });
      return void response.writeHead(202).end();
    }
    const channel = createChannel(response);
    const answer = await entry.session.receive(message, channel);
    return channel.finish(answer, 200);
  }

  function openStream(request, response) {
    const entry = find(request, response);
    if (entry === undefined) return;
    response.writeHead(200, eventHeaders).flushHeaders();
    entry.unsolicited = response;
    response.on('close', () => entry.unsolicited === response && (entry.unsolicited = undefined));
    for (const message of entry.waiting.splice(0)) response.write(toEvent(stringifyJson(message)));
  }

  function endSession(request, response) {
    const entry = find(request, response);
    if (entry === undefined) return;
    sessions.delete(entry.id);
    entry.session.close();
    entry.unsolicited?.end();
    response.writeHead(200).end();
  }

  function start() {
    const entry = { id: randomUUID(), unsolicited: undefined, waiting: [], session: undefined };
    const sendUnsolicited = (message) => {
      if (entry.unsolicited === undefined) entry.waiting = [...entry.waiting, message].slice(-100);
      else entry.unsolicited.write(toEvent(stringifyJson(message)));
    };
    entry.session = createSession({ world, sendUnsolicited });
    sessions.set(entry.id, entry);
    return entry;
  }

  function find(request, response) {
    const id = request.headers['mcp-session-id'];
    if (sessions.has(id)) return sessions.get(id);
    const [status, why] = id === undefined ? [400, 'The header Mcp-Session-Id is missing'] : [404, 'There is no such session'];
    return void refuse(response, status, new RpcError(code.invalidRequest, why));
  }
}

/** An answer that becomes a stream with the first message sent ahead of it, and is one JSON body otherwise. */
function createChannel(response) {
  return {
    send(message) {
      if (!response.headersSent) response.writeHead(200, eventHeaders);
      response.write(toEvent(stringifyJson(message)));
    },
    finish(answer, status) {
      if (response.headersSent) response.end(answer && toEvent(stringifyJson(answer)));
      else if (answer === undefined) response.writeHead(200, eventHeaders).end();
      else response.writeHead(status, { 'content-type': 'application/json' }).end(stringifyJson(answer));
    },
  };
}

/** Says which header does not repeat what the body says, if any. */
function findMismatch(headers, { method, params }) {
  const version = params?._meta?.[metaKey.protocolVersion];
  if (headers['mcp-protocol-version'] !== version) return 'MCP-Protocol-Version does not match the body';
  if (headers['mcp-method'] !== method) return 'Mcp-Method does not match the body';
  const name = params?.[nameMember[method]];
  if (name !== undefined && fromHeaderValue(headers['mcp-name']) !== name) return 'Mcp-Name does not match the body';
  if (method !== 'tools/call' || !name.endsWith('_mirrored')) return undefined;
  const region = params.arguments?.region;
  return region === fromHeaderValue(headers['mcp-param-kit-region']) ? undefined : 'Mcp-Param-Kit-Region does not match the body';
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function refuse(response, status, error, id = null) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(stringifyJson(toErrorMessage(id, error)));
}
