import { GatewayError, type Awaitable, type Cancellation, type Clock, type Priority } from '@signalbox/core';

const PRIORITIES: readonly Priority[] = ['interactive', 'normal', 'batch'];

/** Every so many grants the oldest of all goes first, so that a busy class never starves another. */
const FAIR_EVERY = 8;

export interface AdmissionOptions {
  readonly upstream: string;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly clock: Clock;
}

export interface AdmissionRequest {
  readonly priority: Priority;
  /** Calls of one lane run one at a time, in the order they came. */
  readonly lane: string | undefined;
  /** Longest wait, in milliseconds. */
  readonly waitMs: number;
  readonly cancellation: Cancellation;
}

interface Waiter {
  readonly order: number;
  readonly priority: number;
  readonly lane: string | undefined;
  isOver: boolean;
  grant(): void;
  refuse(error: GatewayError): void;
}

/** The slots of one upstream and the line in front of them. */
export class AdmissionQueue {
  readonly #options: AdmissionOptions;
  readonly #lines: readonly Waiter[][] = PRIORITIES.map(() => []);
  readonly #lanes = new Map<string, Waiter[]>();
  #inFlight = 0;
  #queued = 0;
  #order = 0;
  #grants = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queued;
  }

  /**
   * Takes a slot, at once if one is free. The caller releases it with the same lane, also after a failure.
   * @throws GatewayError `OVERLOADED` when the line is full, `DEADLINE_EXCEEDED` when the wait is over, `CANCELLED`.
   */
  take(request: AdmissionRequest): Awaitable<void> {
    const lane = request.lane === undefined ? undefined : this.#lanes.get(request.lane);
    if (lane === undefined && this.#inFlight < this.#options.maxConcurrent && this.#queued === 0) {
      if (request.lane !== undefined) this.#lanes.set(request.lane, []);
      this.#inFlight++;
      return undefined;
    }
    return this.#wait(request);
  }

  release(lane: string | undefined): void {
    this.#inFlight--;
    if (lane !== undefined) this.#advanceLane(lane);
    this.#grantNext();
  }

  #wait(request: AdmissionRequest): Promise<void> {
    if (this.#queued >= this.#options.maxQueued && !this.#shedFor(request.priority)) {
      return Promise.reject(this.#overloaded());
    }
    return new Promise((resolve, reject) => {
      const cleanups: (() => void)[] = [];
      const settle = (isGranted: boolean) => {
        waiter.isOver = true;
        this.#queued--;
        for (const cleanup of cleanups) cleanup();
        if (!isGranted && waiter.lane !== undefined) this.#leaveLane(waiter);
      };
      const waiter: Waiter = {
        order: this.#order++,
        priority: PRIORITIES.indexOf(request.priority),
        lane: request.lane,
        isOver: false,
        grant: () => {
          settle(true);
          resolve();
        },
        refuse: (error) => {
          if (waiter.isOver) return;
          settle(false);
          reject(error);
        },
      };
      this.#queued++;
      cleanups.push(
        request.cancellation.watch((reason) =>
          waiter.refuse(new GatewayError('CANCELLED', `Cancelled while waiting for "${this.#options.upstream}": ${reason}`)),
        ),
      );
      if (waiter.isOver) return;
      cleanups.push(this.#options.clock.after(request.waitMs, () => waiter.refuse(this.#tooLate(request.waitMs))));
      this.#enqueue(waiter);
      this.#grantNext();
    });
  }

  // A waiter whose lane is busy stands in that lane's own line and joins the main one when its turn comes.
  #enqueue(waiter: Waiter): void {
    if (waiter.lane !== undefined) {
      const lane = this.#lanes.get(waiter.lane);
      if (lane !== undefined) {
        lane.push(waiter);
        return;
      }
      this.#lanes.set(waiter.lane, []);
    }
    this.#lines[waiter.priority]!.push(waiter);
  }

  #advanceLane(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return;
    let next = lane.shift();
    while (next?.isOver) next = lane.shift();
    if (next === undefined) this.#lanes.delete(name);
    else this.#lines[next.priority]!.push(next);
  }

  // A waiter that gives up while it stands for its lane in the main line hands its place to the next of the lane.
  #leaveLane(waiter: Waiter): void {
    if (this.#lines[waiter.priority]!.includes(waiter)) this.#advanceLane(waiter.lane!);
  }

  #grantNext(): void {
    while (this.#inFlight < this.#options.maxConcurrent) {
      const line = this.#nextLine();
      if (line === undefined) return;
      this.#grants++;
      this.#inFlight++;
      line.shift()!.grant();
    }
  }

  #nextLine(): Waiter[] | undefined {
    for (const line of this.#lines) while (line[0]?.isOver) line.shift();
    const waiting = this.#lines.filter((line) => line.length > 0);
    if (waiting.length < 2 || (this.#grants + 1) % FAIR_EVERY !== 0) return waiting[0];
    return waiting.reduce((oldest, line) => (line[0]!.order < oldest[0]!.order ? line : oldest));
  }

  // Makes room for a more urgent call by refusing the youngest of the least urgent ones.
  #shedFor(priority: Priority): boolean {
    for (let level = PRIORITIES.length - 1; level > PRIORITIES.indexOf(priority); level--) {
      const victim = this.#lines[level]!.findLast((waiter) => !waiter.isOver);
      if (victim === undefined) continue;
      victim.refuse(this.#overloaded());
      return true;
    }
    return false;
  }

  #overloaded(): GatewayError {
    const { upstream, maxConcurrent, maxQueued } = this.#options;
    return new GatewayError(
      'OVERLOADED',
      `Cannot take more calls for "${upstream}": ${maxConcurrent} are running and ${maxQueued} wait; try again later`,
      {
        data: { upstream, phase: 'queue', sent: false },
      },
    );
  }

  #tooLate(waitMs: number): GatewayError {
    const { upstream } = this.#options;
    return new GatewayError('DEADLINE_EXCEEDED', `Cannot call "${upstream}": no slot became free in ${Math.round(waitMs)} ms`, {
      data: { upstream, phase: 'queue', budgetMs: Math.round(waitMs), sent: false },
    });
  }
}
