import { GatewayError, toMessage } from '@signalbox/core';
import { parseConfigText } from '../desired-state/config-text.ts';

/** Largest body of a request, in bytes. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Reads the text of a request. @throws GatewayError `TOO_LARGE` as soon as it is, `PARSE_ERROR` when it is no UTF-8. */
export async function readBody(request: Request): Promise<string> {
  const tooLarge = () => new GatewayError('TOO_LARGE', `Cannot read the body: at most ${MAX_BODY_BYTES} bytes are accepted`);
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new GatewayError('PARSE_ERROR', 'Cannot read the body: it is no UTF-8', { cause });
  }
}

/** @throws GatewayError `UNSUPPORTED_MEDIA_TYPE`, or `PARSE_ERROR` saying where the text is no JSON. */
export function parseJson(text: string, contentType: string | null): unknown {
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType ?? ''))
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', 'Cannot read the body: send it as "application/json"');
  try {
    return JSON.parse(text);
  } catch (cause) {
    const [found] = parseConfigText(text).problems;
    const place = found === undefined ? '' : `line ${found.line}, column ${found.column}: `;
    const problem = found ?? { path: '', message: toMessage(cause) };
    throw new GatewayError('PARSE_ERROR', `Cannot read the body as JSON: ${place}${problem.message}`, {
      cause,
      data: { problems: [{ ...problem, path: 'body' }] },
    });
  }
}
