import { isObject, stringifyJson } from '../wire/json.mjs';
import { code, metaKey } from '../wire/protocol.mjs';

/** Members of `_meta` that one hop says to the next; they are each hop's own. */
const hopMembers = new Set([metaKey.protocolVersion, metaKey.clientInfo, metaKey.clientCapabilities, metaKey.logLevel, 'progressToken']);
const opaque = '(opaque)';

/**
 * What of an exchange is compared: its result or error, what was told and asked on the way, whether the id came back.
 * What may legitimately differ is made equal here, and nowhere else: the name a server gives itself, opaque texts,
 * what a hop says of itself, the time to live of what may be cached (which has checks of its own).
 * @param {any} exchange As the clients of this kit return it.
 */
export function toRecord(exchange, { sentId } = {}) {
  const { response, events, asks, rounds, late, id } = exchange;
  const { jsonrpc, id: answeredId, result, error, ...others } = response;
  return {
    jsonrpc,
    isIdKept: Object.is(answeredId, sentId ?? id),
    ...(result === undefined ? {} : { result: cleanResult(result) }),
    ...(error === undefined ? {} : { error }),
    ...others,
    events,
    // A server may ask several things at once, and then their order means nothing.
    asks: asks.map(withoutToken).toSorted((one, other) => (stringifyJson(one) < stringifyJson(other) ? -1 : 1)),
    rounds: rounds.map((round) => cleanResult(round)),
    late,
  };
}

/**
 * Brings the record of an exchange with a server of one generation into the form that a client of another should see.
 * @param {{ method: string, server: string, client: string }} options
 */
export function translateRecord(record, { method, server, client }) {
  if (server === client) return record;
  // Rounds belong to one generation; what was asked in them is in `asks`.
  const { rounds: _rounds, ...rest } = record;
  const isModern = client === 'modern';
  if (rest.error !== undefined) return { ...rest, error: translateError(rest.error, method, isModern) };
  if (!isObject(rest.result)) return rest;
  if (isModern) return { ...rest, result: { resultType: 'complete', ...rest.result } };
  const { resultType: _type, ...result } = rest.result;
  return { ...rest, result };
}

/** The same view of what came through the gateway: without what has no counterpart in the other generation. */
export function viewRecord(record, { server, client }) {
  if (server === client) return record;
  const { rounds: _rounds, ...rest } = record;
  return rest;
}

/** Takes away from a request, as a server got it, what each hop says of itself. */
export function cleanReceived(received) {
  if (!isObject(received?._meta)) return received;
  const kept = Object.entries(received._meta).filter(([key]) => !hopMembers.has(key));
  const { _meta, ...rest } = received;
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
}

function cleanResult(result) {
  if (!isObject(result)) return result;
  const { ttlMs: _ttl, cacheScope: _scope, _meta, ...rest } = result;
  const kept = isObject(_meta) ? Object.entries(_meta).filter(([key]) => key !== metaKey.serverInfo) : [];
  return {
    ...rest,
    ...(kept.length > 0 ? { _meta: Object.fromEntries(kept) } : _meta === undefined || isObject(_meta) ? {} : { _meta }),
    ...(rest.requestState === undefined ? {} : { requestState: opaque }),
    ...(rest.received === undefined ? {} : { received: cleanReceived(rest.received) }),
    ...(rest.structuredContent?.received === undefined
      ? {}
      : { structuredContent: { ...rest.structuredContent, received: cleanReceived(rest.structuredContent.received) } }),
  };
}

function withoutToken({ method, params }) {
  return { method, params: cleanReceived(params) };
}

// "Not found" is a code of its own in the handshake generation and a case of invalid params in the modern one.
function translateError(error, method, isModern) {
  if (method !== 'resources/read') return error;
  const [from, to] = isModern ? [code.resourceNotFound, code.invalidParams] : [code.invalidParams, code.resourceNotFound];
  return error.code === from ? { ...error, code: to } : error;
}
