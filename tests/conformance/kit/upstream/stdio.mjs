import { createInterface } from 'node:readline';
import { isObject, parseJson, stringifyJson } from '../wire/json.mjs';
import { code, metaKey, RpcError, toErrorMessage } from '../wire/protocol.mjs';
import { createSession } from './handshake.mjs';
import { createModern } from './modern.mjs';

/** Serves one client on standard input and output; ends when the input ends. */
export async function serveStdio({ createWorld, era }) {
  const world = createWorld(() => process.exit(1));
  const send = (message) => process.stdout.write(`${stringifyJson(message).replaceAll(/[\r\n]/g, ' ')}\n`);
  const session = createSession({ world, sendUnsolicited: send });
  const modern = createModern({ world });
  const inFlight = new Map();

  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    receive(line).then(
      (response) => response && send(response),
      (error) => send(toErrorMessage(null, new RpcError(code.parseError, error.message))),
    );
  }
  session.close();
  for (const abort of inFlight.values()) abort.abort();

  async function receive(line) {
    const message = parseJson(line);
    const claims = isObject(message.params?._meta) && metaKey.protocolVersion in message.params._meta;
    const isModern = era === 'modern' || (era === 'both' && (claims || message.method === 'server/discover'));
    if (message.method === 'notifications/cancelled') {
      inFlight.get(message.params?.requestId)?.abort(new Error(message.params?.reason ?? 'no reason'));
    }
    // A conversation has one generation, and what names none belongs to the one that was opened.
    if (!isModern) return session.receive(message, { send });
    if (message.id === undefined) return modern.hear(message);
    const abort = new AbortController();
    inFlight.set(message.id, abort);
    const response = await modern.receive(message, { send, signal: abort.signal });
    inFlight.delete(message.id);
    return response;
  }
}
