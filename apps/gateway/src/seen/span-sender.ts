import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXPORT_MS, addressOf, type CollectorOptions } from './collector.ts';
import type { Sender } from './trace-export.ts';

/** Answers after which the same request may be sent again: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response. */
const RETRIED = new Set([429, 502, 503, 504]);
const FIRST_WAIT_MS = 100;

/** Sends requests to a collector by OTLP over HTTP, over one connection that stays open. */
export function createSpanSender({ url, headers }: Pick<CollectorOptions, 'url' | 'headers'>): Sender {
  const address = new URL(addressOf(url, 'v1/traces'));
  const isSecure = address.protocol === 'https:';
  const request = isSecure ? httpsRequest : httpRequest;
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 });
  const post = (parts: readonly Uint8Array[], signal: AbortSignal) =>
    new Promise<Verdict>((resolve, reject) => {
      const length = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
      const all = { ...headers, 'content-type': 'application/x-protobuf', 'content-length': length };
      const sent = request(address, { method: 'POST', agent, headers: all, signal }, (response) => {
        response.on('error', reject).on('end', () => resolve(verdictOf(response)));
        response.resume();
      });
      // A collector may close a connection that has been idle at the moment we use it again.
      sent.on('error', (error: NodeJS.ErrnoException) =>
        sent.reusedSocket && error.code === 'ECONNRESET' ? resolve({ kind: 'retry', waitMs: 0 }) : reject(error),
      );
      for (const part of parts) sent.write(part);
      sent.end();
    });
  let ending: AbortController | undefined;
  let isClosed = false;
  return {
    send: async (parts) => {
      const { signal } = (ending = new AbortController());
      const timer = setTimeout(() => ending!.abort(), EXPORT_MS);
      try {
        for (let waitMs = FIRST_WAIT_MS; ; waitMs *= 2) {
          const verdict = await post(parts, signal);
          if (verdict.kind === 'taken') return;
          if (verdict.kind === 'refused') throw verdict.error;
          await sleep(verdict.waitMs ?? waitMs, undefined, { signal });
        }
      } catch (error) {
        if (!signal.aborted) throw error;
        const reason = isClosed ? 'the gateway ended' : `the collector has not taken them within ${EXPORT_MS} ms`;
        throw new Error(reason, { cause: error });
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => {
      isClosed = true;
      ending?.abort();
      agent.destroy();
    },
  };
}

type Verdict =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly error: Error }
  | { readonly kind: 'retry'; readonly waitMs: number | undefined };

function verdictOf({ statusCode = 0, headers }: IncomingMessage): Verdict {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'taken' };
  const after = Number(headers['retry-after']);
  if (RETRIED.has(statusCode)) return { kind: 'retry', waitMs: after >= 0 ? after * 1_000 : undefined };
  return { kind: 'refused', error: new Error(`the collector answered ${statusCode}`) };
}
