import { createServer } from 'node:http';
import { createAgent, sendHttp } from '../wire/http.mjs';
import { parseJson, stringifyJson } from '../wire/json.mjs';
import { eventHeaders, toEvent } from '../wire/sse.mjs';

const hopHeaders = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']);

/**
 * @typedef {{
 *   asked: any, headers: Record<string, any>, memory: Map<any, any>, open: Set<any>,
 *   send: (message: any) => void, forward: (message: any) => Promise<void>,
 * }} Passage One request on its way: what was asked, all that are open, a way to its client (`send`), and to the server (`forward`).
 * @typedef {{
 *   name: string, request?: (message: any, passage: Passage) => any, message?: (message: any, passage: Passage) => any[],
 *   last?: (passage: Passage) => any[], closed?: (passage: Passage) => void, isDeafToClosing?: boolean, isSequential?: boolean,
 * }} Fault What goes wrong: `request` changes what goes to the server (`null` swallows it), `message` what comes back, `last` is sent
 *   at the end, `closed` hears that the client closed its stream.
 */

/**
 * A proxy that passes every message on, but for one fault: what the kit is tried on.
 * @param {{ target: string, fault?: Partial<Fault> }} options Without a fault it is faithful.
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export function startProxy({ target, fault = {} }) {
  const agent = createAgent();
  const memory = new Map();
  const open = new Set();
  let turn = Promise.resolve();
  const server = createServer((request, response) => {
    pass(request, response).catch((error) => fail(response, undefined, error));
  });
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}/mcp`, close }));
  });

  function close() {
    server.close();
    server.closeAllConnections();
    agent.destroy();
  }

  async function pass(request, response) {
    const body = await readBody(request);
    const passage = {
      asked: body === '' ? undefined : parseJson(body),
      headers: keepOwn(request.headers),
      memory,
      open,
      send: () => undefined,
      forward,
    };
    const sent = fault.request === undefined || passage.asked === undefined ? passage.asked : fault.request(passage.asked, passage);
    if (sent === null) return void response.writeHead(202).end();
    const run = () => relay({ method: request.method, response, sent, passage });
    if (!fault.isSequential || sent?.id === undefined) return run();
    turn = turn.then(run, run);
    return turn;

    async function forward(message) {
      await sendHttp({ url: target, agent, headers: passage.headers, body: stringifyJson(message) });
    }
  }

  async function relay({ method, response, sent, passage }) {
    const stop = new AbortController();
    const owesAnswer = sent?.id !== undefined && sent.method !== undefined;
    let isStream = false;
    let isAnswered = false;
    response.on('close', () => {
      open.delete(passage);
      if (response.writableFinished) return;
      fault.closed?.(passage);
      if (!fault.isDeafToClosing) stop.abort();
    });
    passage.send = (message) => isStream && response.writable && response.write(toEvent(stringifyJson(message)));
    open.add(passage);
    try {
      const { text } = await sendHttp({
        url: target,
        agent,
        method,
        signal: stop.signal,
        headers: passage.headers,
        body: sent === undefined ? undefined : stringifyJson(sent),
        onOpen({ status, headers }) {
          isStream = headers['content-type']?.startsWith('text/event-stream') ?? false;
          for (const [name, value] of Object.entries(keepOwn(headers))) response.setHeader(name, value);
          response.writeHead(status, isStream ? eventHeaders : {}).flushHeaders();
        },
        onMessage(message) {
          isAnswered ||= message.method === undefined;
          for (const each of fault.message?.(message, passage) ?? [message]) {
            response.write(isStream ? toEvent(stringifyJson(each)) : stringifyJson(each));
          }
        },
      });
      // A server that dies in the middle of its answer owes one still.
      if (isStream && owesAnswer && !isAnswered) return fail(response, sent.id, new Error('The server has gone'));
      for (const message of fault.last?.(passage) ?? []) passage.send(message);
      response.end(text);
    } catch (error) {
      fail(response, sent?.id, error);
    }
  }
}

function fail(response, id, error) {
  const message = { jsonrpc: '2.0', id: id ?? null, error: { code: -32603, message: error.message } };
  if (response.headersSent) return void response.end(toEvent(stringifyJson(message)));
  response.writeHead(id === undefined ? 502 : 200, { 'content-type': 'application/json' }).end(stringifyJson(message));
}

function keepOwn(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopHeaders.has(name)));
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
