import { stringifyJson } from '../wire/json.mjs';
import { createAgent, sendHttp } from '../wire/http.mjs';

/**
 * One client's way to a server: sends messages, ends those that take too long, and all of them when it is closed.
 * @param {{ url: string, timeoutMs: number }} options
 */
export function createConnection({ url, timeoutMs }) {
  const agent = createAgent();
  const open = new Set();
  return {
    post: (message, { headers, ...rest }) =>
      send({ ...rest, method: 'POST', headers, body: stringifyJson(message), what: message.method ?? 'An answer' }),
    get: (options) => send({ ...options, method: 'GET', timeoutMs: undefined, what: 'The stream' }),
    end: (headers) => send({ method: 'DELETE', headers, timeoutMs: 2000, what: 'The end of the session' }),
    close() {
      for (const abort of open) abort.abort();
      agent.destroy();
    },
  };

  async function send({ what, signal, timeoutMs: longest = timeoutMs, ...request }) {
    const abort = new AbortController();
    const stop = () => abort.abort();
    const isEndless = request.method === 'GET';
    let isLate = false;
    const timer = isEndless ? undefined : setTimeout(() => ((isLate = true), stop()), longest);
    signal?.addEventListener('abort', stop, { once: true });
    open.add(abort);
    try {
      return await sendHttp({ url, agent, signal: abort.signal, ...request });
    } catch (error) {
      if (!isLate) throw error;
      throw new Error(`${what} was not answered in ${longest} ms`, { cause: error });
    } finally {
      clearTimeout(timer);
      open.delete(abort);
      signal?.removeEventListener('abort', stop);
    }
  }
}

/** An exchange before anything has come back; what the kit's clients return of a request. */
export function createExchange(id) {
  return { id, events: [], asks: [], rounds: [], late: [], response: undefined, status: undefined, headers: {} };
}

/** Puts a message that came in its place; a request of the server is returned to be answered. */
export function take(exchange, message) {
  if (message.method === undefined) exchange.response = message;
  else if (message.id === undefined) {
    (exchange.response === undefined ? exchange.events : exchange.late).push({ method: message.method, params: message.params });
  } else {
    exchange.asks.push({ method: message.method, params: message.params });
    return message;
  }
  return undefined;
}
