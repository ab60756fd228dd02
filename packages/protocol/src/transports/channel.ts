/**
 * Two-way transport of whole messages, as stdio, WebSocket and memory offer it. Framing is the channel's business.
 * The peer that owns the channel sets `onMessage` and `onClose` before it sends or returns to the event loop.
 */
export interface Channel {
  onMessage: (message: Buffer) => void;
  /**
   * Offered large messages first where their bytes are only lent, which saves a copy. Tells whether it has dealt with the
   * message; otherwise `onMessage` gets it.
   */
  onLargeMessage?: (message: Buffer) => boolean;
  /**
   * Called once, whoever closed it, with the reason in words.
   * @param undelivered How many of the last messages given to `send` have certainly not left. Default: none that we know of.
   */
  onClose: (reason: string, undelivered?: number) => void;
  /** Sends one message. After the close it is dropped. */
  send(message: Buffer): void;
  /** Closes and frees everything behind it. Resolves when that is done. Idempotent. */
  close(): Promise<void>;
}
