import { systemClock, type Clock } from '@signalbox/core';
import type { Channel } from './channel.ts';

/** What befalls a message on its way. */
export type Fault =
  | { readonly kind: 'drop' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'replace'; readonly message: Buffer }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'close'; readonly reason: string };

export interface ChannelPairOptions {
  /** `microtask` (default) delivers after the sender's turn, `sync` within `send`; both keep the order. */
  readonly delivery?: 'microtask' | 'sync';
  /** Asked for each message, counted from 0 per direction; `undefined` lets it through. */
  readonly fault?: (message: Buffer, way: { readonly to: 'left' | 'right'; readonly index: number }) => Fault | undefined;
  /** For delayed messages. Default: the machine's clock. */
  readonly clock?: Clock;
}

/** Two channels joined in memory: what one sends, the other receives. Closing one closes both. */
export function createChannelPair(options: ChannelPairOptions = {}): { readonly left: Channel; readonly right: Channel } {
  const left = new MemoryChannel('left', options);
  const right = new MemoryChannel('right', options);
  left.join(right);
  right.join(left);
  return { left, right };
}

class MemoryChannel implements Channel {
  onMessage: (message: Buffer) => void = () => undefined;
  onClose: (reason: string) => void = () => undefined;
  readonly #name: 'left' | 'right';
  readonly #options: ChannelPairOptions;
  #other: MemoryChannel | undefined;
  #sent = 0;
  #isClosed = false;

  constructor(name: 'left' | 'right', options: ChannelPairOptions) {
    this.#name = name;
    this.#options = options;
  }

  join(other: MemoryChannel): void {
    this.#other = other;
  }

  send(message: Buffer): void {
    if (this.#isClosed) return;
    const to = this.#name === 'left' ? 'right' : 'left';
    const fault = this.#options.fault?.(message, { to, index: this.#sent++ });
    switch (fault?.kind) {
      case undefined:
        return this.#deliver(message);
      case 'drop':
        return;
      case 'replace':
        return this.#deliver(fault.message);
      case 'repeat':
        this.#deliver(message);
        return this.#deliver(message);
      case 'delay':
        (this.#options.clock ?? systemClock).after(fault.ms, () => this.#deliver(message));
        return;
      case 'close':
        return this.#end(fault.reason);
    }
  }

  close(): Promise<void> {
    this.#end('closed by the other side', 'closed');
    return Promise.resolve();
  }

  #deliver(message: Buffer): void {
    const other = this.#other!;
    const deliver = () => {
      if (!other.#isClosed) other.onMessage(message);
    };
    if (this.#options.delivery === 'sync') deliver();
    else queueMicrotask(deliver);
  }

  #end(reason: string, ownReason = reason): void {
    if (this.#isClosed) return;
    const other = this.#other!;
    this.#isClosed = true;
    // Messages on their way arrive before the close does, as in a pipe.
    queueMicrotask(() => {
      other.#isClosed = true;
      other.onClose(reason);
    });
    this.onClose(ownReason);
  }
}
