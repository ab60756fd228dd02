import { Agent, request as openRequest } from 'node:http';
import { parseJson } from './json.mjs';
import { createEventReader } from './sse.mjs';

/**
 * @typedef {{ status: number, headers: Record<string, any>, text: string, isBroken: boolean }} HttpAnswer
 *   `text` is the body where it was no stream and no message; `isBroken` that it ended before its end.
 */

// Many servers close a connection that was idle for five seconds; to use it just then would look like their fault.
const maxIdleMs = 3000;

/** Connections that are kept for the next request; close it with `destroy()`. */
export function createAgent() {
  return new Agent({ keepAlive: true, maxSockets: Infinity, timeout: maxIdleMs });
}

/**
 * Sends one HTTP request and reads the messages of its answer, whether it is one JSON body or an event stream.
 * @param {{
 *   url: string, method?: string, headers?: Record<string, string>, body?: string, agent: Agent, signal?: AbortSignal,
 *   onOpen?: (answer: { status: number, headers: Record<string, any> }) => void, onMessage?: (message: any, eventId?: string) => void,
 * }} options
 * @returns {Promise<HttpAnswer>} Resolves at the end of the answer; an answer that was cut off is no error.
 * @throws When there is no answer at all, or a message in it is no JSON.
 */
export function sendHttp({ url, method = 'POST', headers = {}, body, agent, signal, onOpen, onMessage = () => undefined }) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const request = openRequest(url, { method, agent, signal, headers: { ...headers, ...length } });
    request.on('error', reject);
    request.on('response', (response) => {
      const { statusCode: status, headers: received } = response;
      const type = received['content-type'] ?? '';
      const isStream = type.startsWith('text/event-stream');
      const readEvents = createEventReader();
      const chunks = [];
      onOpen?.({ status, headers: received });
      const finish = (isBroken) => {
        try {
          const text = Buffer.concat(chunks).toString();
          const isMessage = type.startsWith('application/json') && text !== '' && !isBroken;
          if (isMessage) onMessage(parseJson(text));
          resolve({ status, headers: received, text: isMessage ? '' : text, isBroken });
        } catch (error) {
          reject(new Error(`The answer is no JSON: ${error.message}`, { cause: error }));
        }
      };
      response.on('data', (chunk) => {
        if (!isStream) return void chunks.push(chunk);
        try {
          for (const { data, id } of readEvents(chunk)) if (data !== '') onMessage(parseJson(data), id);
        } catch (error) {
          request.destroy();
          reject(new Error(`An event is no JSON: ${error.message}`, { cause: error }));
        }
      });
      response.on('end', () => finish(false));
      response.on('error', () => finish(true));
      response.on('close', () => response.complete || finish(true));
    });
    request.end(body);
  });
}
