import { systemClock, type Clock } from '@signalbox/core';
import type { Channel } from './channel.ts';

/** What befalls a message on its way. */
export type Fault =
  | { readonly kind: 'drop' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'replace'; readonly message: Buffer }
  | { readonly kind: 'repeat' }
  /** It arrives behind the next `behind` messages of its way, or just before the close. */
  | { readonly kind: 'reorder'; readonly behind: number }
  /** The channel breaks with this message. It is lost, and known not to have left, unless it still `arrives`. */
  | { readonly kind: 'close'; readonly reason: string; readonly arrives?: true };

/** Which fault befalls a message, if any. Messages are counted from 0, for each way on its own. */
export type FaultPlan = (message: Buffer, way: { readonly to: 'left' | 'right'; readonly index: number }) => Fault | undefined;

export interface ChannelPairOptions {
  /** `microtask` (default) delivers after the sender's turn, `sync` within `send`; both keep the order. */
  readonly delivery?: 'microtask' | 'sync';
  readonly fault?: FaultPlan;
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

/** A plan that names the messages by their number, for each way. */
export function planFaults(plan: { readonly [Way in 'toLeft' | 'toRight']?: Readonly<Record<number, Fault>> }): FaultPlan {
  return (_message, { to, index }) => (to === 'left' ? plan.toLeft : plan.toRight)?.[index];
}

interface Held {
  readonly message: Buffer;
  behind: number;
}

class MemoryChannel implements Channel {
  onMessage: (message: Buffer) => void = () => undefined;
  onClose: (reason: string, undelivered?: number) => void = () => undefined;
  readonly #name: 'left' | 'right';
  readonly #options: ChannelPairOptions;
  #other: MemoryChannel | undefined;
  #held: Held[] = [];
  #sent = 0;
  /** Messages swallowed since it broke; `undefined` while it is whole. */
  #swallowed: number | undefined;
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
    if (this.#swallowed !== undefined) {
      this.#swallowed++;
      return;
    }
    const passed = this.#held;
    this.#held = [];
    const to = this.#name === 'left' ? 'right' : 'left';
    this.#befall(message, this.#options.fault?.(message, { to, index: this.#sent++ }));
    this.#held.unshift(...passed.filter((held) => --held.behind > 0));
    for (const held of passed) if (held.behind <= 0) this.#deliver(held.message);
  }

  close(): Promise<void> {
    this.#end('closed by the other side', { own: 'closed' });
    return Promise.resolve();
  }

  #befall(message: Buffer, fault: Fault | undefined): void {
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
      case 'reorder':
        this.#held.push({ message, behind: fault.behind });
        return;
      case 'close':
        return this.#break(fault, message);
    }
  }

  // The sender hears of it when its turn is over, as it does of any real channel.
  #break({ reason, arrives }: Extract<Fault, { kind: 'close' }>, message: Buffer): void {
    if (arrives === true) this.#deliver(message);
    this.#swallowed = arrives === true ? 0 : 1;
    queueMicrotask(() => this.#end(reason, { undelivered: this.#swallowed ?? 0 }));
  }

  #deliver(message: Buffer): void {
    const other = this.#other!;
    const deliver = () => {
      if (!other.#isClosed) other.onMessage(message);
    };
    if (this.#options.delivery === 'sync') deliver();
    else queueMicrotask(deliver);
  }

  #end(reason: string, { own = reason, undelivered = 0 }: { readonly own?: string; readonly undelivered?: number }): void {
    if (this.#isClosed) return;
    const other = this.#other!;
    for (const { message } of this.#held.splice(0)) this.#deliver(message);
    this.#isClosed = true;
    // Messages on their way arrive before the close does, as in a pipe.
    queueMicrotask(() => {
      if (other.#isClosed) return;
      other.#isClosed = true;
      other.onClose(reason);
    });
    this.onClose(own, undelivered);
  }
}
