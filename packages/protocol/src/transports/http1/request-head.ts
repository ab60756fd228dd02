import { GatewayError } from '@signalbox/core';

/** One HTTP request. */
export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Names and values in turn. Never changed once given, so one list may serve many requests. */
  readonly headers: readonly string[];
  readonly body?: Buffer;
}

const TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
// They belong to the connection. Whoever could set them could smuggle a second request.
const OWN = /^(?:host|connection|content-length|transfer-encoding|keep-alive|proxy-connection|upgrade|expect|te|trailer)$/i;

/** Writes the heads of requests to one address. */
export class RequestHeads {
  readonly #host: string;
  readonly #path: string;
  // Sessions send most of their requests with few lists, so what has been written of a list is kept as long as the list.
  readonly #written = new WeakMap<readonly string[], { readonly method: string; readonly prefix: string }>();

  constructor(url: URL) {
    this.#host = url.host;
    this.#path = `${url.pathname}${url.search}`;
  }

  /** @throws GatewayError `INVALID_REQUEST` when a header cannot be sent. */
  write({ method, headers, body }: HttpRequest): string {
    let written = this.#written.get(headers);
    if (written?.method !== method) {
      const prefix = `${method} ${this.#path} HTTP/1.1\r\nhost: ${this.#host}\r\naccept-encoding: identity\r\n${writeFields(headers)}`;
      this.#written.set(headers, (written = { method, prefix }));
    }
    if (body === undefined && method !== 'POST') return `${written.prefix}\r\n`;
    return `${written.prefix}content-length: ${body?.length ?? 0}\r\n\r\n`;
  }
}

function writeFields(headers: readonly string[]): string {
  let text = '';
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    const value = headers[index + 1] ?? '';
    if (!TOKEN.test(name)) throw unfit(name, 'its name has characters that headers must not have');
    if (UNFIT.test(value)) throw unfit(name, 'its value has characters that headers must not have');
    if (OWN.test(name)) throw unfit(name, 'it belongs to the connection');
    // We cannot read compressed answers, whoever asks for them.
    if (!/^accept-encoding$/i.test(name)) text += `${name}: ${value}\r\n`;
  }
  return text;
}

function unfit(name: string, why: string): GatewayError {
  return new GatewayError('INVALID_REQUEST', `Cannot send the header ${JSON.stringify(name.slice(0, 100))}: ${why}`);
}
