import { GatewayError } from '@signalbox/core';
import type { IncomingRequest } from './http-message.ts';

/**
 * Reads a body whole. A body that is cut off calls neither function; nothing must be done on the strength of a part.
 * @param options.onRefused Gets a `TOO_LARGE` error as soon as the body is known to exceed `maxBytes`.
 */
export function readBody(
  request: IncomingRequest,
  options: { readonly maxBytes: number; readonly onBody: (body: Buffer) => void; readonly onRefused: (error: GatewayError) => void },
): void {
  const { maxBytes, onBody, onRefused } = options;
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return onRefused(tooLarge(maxBytes));
  if ('body' in request) return onBody(request.body);
  const chunks: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer) => {
    length += chunk.length;
    if (length <= maxBytes) {
      chunks.push(chunk);
      return;
    }
    request.off('data', onData).off('end', onEnd).pause();
    onRefused(tooLarge(maxBytes));
  };
  const onEnd = () => onBody(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length));
  request.on('data', onData).on('end', onEnd);
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError('TOO_LARGE', `Cannot read a body of more than ${maxBytes} bytes`, { data: { maxBytes } });
}
