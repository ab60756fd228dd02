import type { GatewayError, Outcome } from '@signalbox/core';

/** Where the answer to one request goes. It ends once, by `answer`, `refuse` or `drop`; whatever follows is passed over. */
export interface Reply {
  /** Whether notifications can reach the caller ahead of the answer. */
  readonly takesNotifications: boolean;
  /** Sends one encoded notification or question ahead of the answer. Returns false when it did not go out that way. */
  notify(message: Buffer): boolean;
  /** Ends the request with an outcome that has the shape of the caller's revision. */
  answer(outcome: Outcome): void;
  /** Ends the request with a refusal of our own. */
  refuse(error: GatewayError): void;
  /** Ends the request without an answer, because its caller took it back. */
  drop(): void;
}
