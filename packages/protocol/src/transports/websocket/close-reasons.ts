import { preview } from '../../messages/message.ts';

// RFC 6455 §7.4.1
const NAMES: Readonly<Record<number, string>> = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code given',
  1007: 'invalid data',
  1008: 'policy violation',
  1009: 'message too big',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
};

/** Says in words how a WebSocket ended. `who` closed it, unless nobody did and it broke off. */
export function describeClose(who: string, code: number, reason: Buffer): string {
  if (code === 1006) return 'the connection broke off';
  const name = NAMES[code];
  const words = reason.length === 0 ? '' : `: ${preview(reason)}`;
  return `${who} closed the connection (${name === undefined ? code : `${code}, ${name}`})${words}`;
}

/** Says in words what was wrong with what came over a WebSocket. */
export function describeFault(error: Error & { readonly code?: string }, maxMessageBytes: number): string {
  switch (error.code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
      return `sent a message of more than ${maxMessageBytes} bytes`;
    case 'WS_ERR_INVALID_UTF8':
      return 'sent text that is not UTF-8';
    default:
      return `sent a frame that cannot be read: ${error.message}`;
  }
}
