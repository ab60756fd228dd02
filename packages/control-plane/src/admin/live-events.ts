import { isDeepStrictEqual } from 'node:util';
import { GatewayError, type Clock, type Status } from '@signalbox/core';
import { renderDiff } from '../desired-state/diff-config.ts';
import type { LearningPart } from '../learning-part.ts';
import type { JournalRing } from '../journal-ring.ts';
import type { RecordedState } from '../recorded-state/recorded-state.ts';

export const EVENT_TYPES = ['state', 'upstream', 'upstream-removed', 'sessions', 'call', 'anomaly'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface LiveEventsOptions {
  readonly state: Pick<RecordedState, 'current' | 'watchEvents'>;
  readonly status: Status;
  readonly journal: Pick<JournalRing, 'watch'> | undefined;
  /** Absent while nothing is learned. */
  readonly learning?: Pick<LearningPart, 'watchAnomalies'> | undefined;
  readonly clock: Clock;
  /** Events that a reader who comes back may have missed. Default 1000. */
  readonly capacity?: number;
  /** What may wait for one reader, in bytes; one that is slower is dropped. Default 256 KiB. */
  readonly maxWaitingBytes?: number;
  /** Readers at once; more are refused. Default 100. */
  readonly maxReaders?: number;
  /** Time between looks at the status, in milliseconds. Default 500. */
  readonly lookMs?: number;
  /** Time between signs of life, in milliseconds. Default 15,000. */
  readonly heartbeatMs?: number;
}

export interface SubscribeOptions {
  /** Id of the last event the reader has seen. */
  readonly last?: string | undefined;
  /** Default: all. */
  readonly types?: readonly EventType[] | undefined;
}

/** What happens, as server-sent events. */
export interface LiveEvents {
  /** @throws GatewayError `OVERLOADED` when there are too many readers. */
  subscribe(options?: SubscribeOptions): ReadableStream<Uint8Array>;
  readonly readers: number;
  /** Ends all streams. */
  close(): void;
}

interface Event {
  readonly number: number;
  readonly type: EventType;
  readonly bytes: Uint8Array;
}

interface Reader {
  readonly types: ReadonlySet<EventType>;
  send(bytes: Uint8Array): void;
  end(): void;
}

const GRACE_MS = 60_000;
const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(': still here\n\n');

export function createLiveEvents(options: LiveEventsOptions): LiveEvents {
  const { state, status, journal, learning, clock } = options;
  const { capacity = 1000, maxWaitingBytes = 262_144, maxReaders = 100, lookMs = 500, heartbeatMs = 15_000 } = options;
  // Ids of another run of the gateway mean nothing here.
  const run = clock.now().toString(36);
  const readers = new Set<Reader>();
  const events: Event[] = [];
  let last = 0;
  let seen: ReadonlyMap<string, object> = new Map();
  let sessions: unknown;
  let cancelTimers: (() => void)[] = [];
  /** Until then calls are kept although nobody listens, for one who comes back. */
  let graceEndsMs = Number.NEGATIVE_INFINITY;
  /** The event behind which a call was not kept. */
  let lostAt = -1;
  let isClosed = false;

  const publish = (type: EventType, data: unknown): void => {
    last += 1;
    const event: Event = { number: last, type, bytes: render(type, { id: `${run}-${last}`, data }) };
    events.push(event);
    if (events.length > capacity) events.shift();
    for (const reader of readers) if (reader.types.has(type)) reader.send(event.bytes);
  };
  const look = (): void => {
    // What servers write to stderr has a route of its own.
    const now = new Map(status.upstreams().map((upstream) => [upstream.name, { ...upstream, stderr: undefined }]));
    const open = status.sessions();
    for (const [name, upstream] of now) if (!isDeepStrictEqual(upstream, seen.get(name))) publish('upstream', upstream);
    for (const name of seen.keys()) if (!now.has(name)) publish('upstream-removed', { name });
    if (!isDeepStrictEqual(open, sessions)) publish('sessions', open);
    [seen, sessions] = [now, open];
  };
  const repeat = (everyMs: number, run: () => void): void => {
    let cancel = (): void => undefined;
    const again = (): void => {
      cancel = clock.after(everyMs, () => {
        run();
        // Its last reader may just have been dropped.
        if (readers.size > 0) again();
      });
    };
    again();
    cancelTimers.push(() => cancel());
  };
  const begin = (): void => {
    repeat(lookMs, look);
    repeat(heartbeatMs, () => {
      for (const reader of readers) reader.send(HEARTBEAT);
    });
  };
  const leave = (reader: Reader): void => {
    readers.delete(reader);
    if (readers.size > 0) return;
    graceEndsMs = clock.monotonic() + GRACE_MS;
    for (const cancel of cancelTimers) cancel();
    cancelTimers = [];
  };
  /** What a reader has missed; `undefined` when that is not known any more. */
  const missed = (id: string, wanted: ReadonlySet<EventType>): readonly Event[] | undefined => {
    const [, ofRun, number] = /^([a-z0-9]+)-(\d{1,15})$/.exec(id) ?? [];
    const after = Number(number);
    if (ofRun !== run || after > last || after < last - events.length) return undefined;
    if (wanted.has('call') && after <= lostAt) return undefined;
    return events.filter((event) => event.number > after);
  };

  const endAll = (): void => {
    for (const reader of readers) reader.end();
  };

  const stops = [
    state.watchEvents(({ version, atMs, by, action, reason, restarts }, _, diff) => {
      publish('state', { version, atMs, by, action, reason, restarts, lines: renderDiff(diff) });
      // Who may listen has changed: all come back with their tokens.
      if (diff.settings.some(({ path }) => path.startsWith('admin.'))) endAll();
    }),
    journal?.watch((call) => {
      if (readers.size > 0 || clock.monotonic() < graceEndsMs) publish('call', call);
      else lostAt = last;
    }),
    learning?.watchAnomalies((anomaly) => publish('anomaly', anomaly)),
  ];

  return {
    get readers() {
      return readers.size;
    },
    subscribe: ({ last: id, types = EVENT_TYPES } = {}) => {
      if (readers.size >= maxReaders) throw new GatewayError('OVERLOADED', `Cannot open another stream: ${maxReaders} are open`);
      const wanted = new Set(types);
      let reader: Reader;
      return new ReadableStream<Uint8Array>(
        {
          start: (controller) => {
            if (isClosed) return controller.close();
            const end = (): void => {
              leave(reader);
              controller.close();
            };
            reader = {
              types: wanted,
              end,
              send: (bytes) => {
                // Whoever does not keep up reads again from the start rather than fill our memory.
                if ((controller.desiredSize ?? 0) < bytes.length) end();
                else controller.enqueue(bytes);
              },
            };
            if (readers.size === 0) begin();
            // What happened while nobody listened is told now, so that one who comes back hears of it.
            look();
            readers.add(reader);
            const backlog = id === undefined ? [] : missed(id, wanted);
            const type = backlog === undefined ? 'reset' : 'hello';
            reader.send(render(type, { id: backlog?.length ? id! : `${run}-${last}`, data: { stateVersion: state.current.version } }));
            for (const event of backlog ?? []) if (readers.has(reader) && wanted.has(event.type)) reader.send(event.bytes);
          },
          cancel: () => leave(reader),
        },
        new ByteLengthQueuingStrategy({ highWaterMark: maxWaitingBytes }),
      );
    },
    close: () => {
      isClosed = true;
      for (const stop of stops) stop?.();
      endAll();
    },
  };
}

function render(type: string, { id, data }: { readonly id: string; readonly data: unknown }): Uint8Array {
  return encoder.encode(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
}
