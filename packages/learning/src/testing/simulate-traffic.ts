import type { CallInteraction } from '../interaction.ts';
import { createCall } from './create-call.ts';

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A Monday. */
export const START_MS = Date.UTC(2026, 0, 5);

interface Role {
  readonly tools: readonly {
    readonly upstream: string;
    readonly tool: string;
    readonly effect: 'read' | 'write';
    readonly weight: number;
  }[];
  readonly sessionsPerDay: number;
  readonly callsPerSession: number;
  readonly worksAtNight: boolean;
}

const ROLES: readonly Role[] = [
  {
    tools: [
      { upstream: 'git', tool: 'search', effect: 'read', weight: 5 },
      { upstream: 'git', tool: 'read_file', effect: 'read', weight: 9 },
      { upstream: 'git', tool: 'commit', effect: 'write', weight: 1 },
      { upstream: 'ci', tool: 'status', effect: 'read', weight: 2 },
    ],
    sessionsPerDay: 8,
    callsPerSession: 25,
    worksAtNight: false,
  },
  {
    tools: [
      { upstream: 'shop', tool: 'orders', effect: 'read', weight: 8 },
      { upstream: 'shop', tool: 'customer', effect: 'read', weight: 6 },
      { upstream: 'mail', tool: 'list', effect: 'read', weight: 3 },
    ],
    sessionsPerDay: 12,
    callsPerSession: 15,
    worksAtNight: false,
  },
  {
    tools: [
      { upstream: 'metrics', tool: 'query', effect: 'read', weight: 9 },
      { upstream: 'ci', tool: 'status', effect: 'read', weight: 3 },
    ],
    sessionsPerDay: 96,
    callsPerSession: 6,
    worksAtNight: true,
  },
];

/** Numbers from 0 to 1, the same for the same seed. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * Days of callers at work, without anything abnormal: a rhythm of days and weeks, sessions of different length, sizes and durations with
 * long tails, one call in fifty that fails, failures that are tried again, and rare tools that are used for the first time now and then.
 */
export function simulateTraffic({
  days,
  callers,
  seed,
}: {
  readonly days: number;
  readonly callers: number;
  readonly seed: number;
}): CallInteraction[] {
  const random = createRandom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const calls: CallInteraction[] = [];
  for (let caller = 0; caller < callers; caller++) {
    const role = ROLES[caller % ROLES.length]!;
    const sum = role.tools.reduce((all, { weight }) => all + weight, 0);
    for (let day = 0; day < days; day++) {
      if (!role.worksAtNight && day % 7 > 4 && random() < 0.9) continue;
      const sessions = Math.round(role.sessionsPerDay * (0.6 + 0.8 * random()));
      for (let session = 0; session < sessions; session++) {
        const hour = role.worksAtNight ? 24 * random() : 13 + 2.2 * normal();
        let atMs = START_MS + day * DAY_MS + hour * HOUR_MS;
        const length = Math.max(1, Math.round(role.callsPerSession * Math.exp(0.6 * normal())));
        let failures = 0;
        for (let index = 0; index < length; index++) {
          let at = random() * sum;
          const tool = role.tools.find(({ weight }) => (at -= weight) < 0) ?? role.tools[0]!;
          // What fails is tried again a few times, and mostly fails again.
          const fails = failures > 0 && failures < 4 ? random() < 0.6 : random() < 0.02;
          failures = fails ? failures + 1 : 0;
          const size = tool.tool.length;
          calls.push(
            createCall({
              atMs,
              principal: `caller-${caller}`,
              session: `session-${caller}-${day}-${session}`,
              client: `client-${caller % 2}`,
              upstream: tool.upstream,
              tool: tool.tool,
              effect: tool.effect,
              argsShape: random() < 0.2 ? ['limit:number', 'query:string'] : ['query:string'],
              argsBytes: Math.round(40 * size * Math.exp(0.5 * normal())),
              resultBytes: Math.round(500 * size * Math.exp(1 * normal())),
              durationMs: 30 * size * Math.exp(0.7 * normal()),
              ending: fails ? 'toolError' : 'ok',
            }),
          );
          atMs += 1_000 + 20_000 * random() ** 2;
        }
      }
    }
  }
  return calls.toSorted((a, b) => a.atMs - b.atMs).map((call, index) => ({ ...call, sequence: index + 1 }));
}
