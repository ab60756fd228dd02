import { driftColumns } from './drift.ts';
import { eventColumns } from './event-alarm.ts';
import { momentColumns } from './moments.ts';

/** A caller with a tool. */
export const PAIR_COLUMNS = [
  'lastMs',
  'firstMs',
  'calls',
  'bucket',
  'inBucket',
  'version',
  'shaped',
  'shapes',
  ...momentColumns('rate'),
  ...momentColumns('arguments'),
  ...momentColumns('result'),
  ...momentColumns('duration'),
  ...eventColumns('failed'),
  ...eventColumns('slow'),
  'aimed',
  'destinations',
];

/** A caller with all tools. */
export const CALLER_COLUMNS = [
  'lastMs',
  'firstMs',
  'calls',
  'bucket',
  'inBucket',
  'tools',
  'upstreams',
  'notRead',
  'burst',
  ...momentColumns('rate'),
  'session',
  'before',
  'moves',
  'orders',
];

/** A tool with all callers. */
export const TOOL_COLUMNS = [
  'lastMs',
  'firstMs',
  'calls',
  ...eventColumns('failed'),
  ...eventColumns('slow'),
  'day',
  'dayCalls',
  'dayFailed',
  'dayResults',
  'dayResultSum',
  ...driftColumns('result'),
  ...driftColumns('failed'),
];

export const SEEN_COLUMNS = ['lastMs', 'calls'];

const at = (columns: readonly string[]) => (name: string) => columns.indexOf(name);
const pair = at(PAIR_COLUMNS);
const caller = at(CALLER_COLUMNS);
const tool = at(TOOL_COLUMNS);

/** Columns that every table begins with. */
export const LAST = 0;
export const FIRST = 1;
export const CALLS = 2;
/** And those of what is counted by time, in the two that are. */
export const BUCKET = 3;
export const IN_BUCKET = 4;

export const PAIR = {
  version: pair('version'),
  shaped: pair('shaped'),
  shapes: pair('shapes'),
  rate: pair('rateValues'),
  arguments: pair('argumentsValues'),
  result: pair('resultValues'),
  duration: pair('durationValues'),
  failed: pair('failedCalls'),
  slow: pair('slowCalls'),
  /** Calls that named a destination, and how many different ones. */
  aimed: pair('aimed'),
  destinations: pair('destinations'),
} as const;

export const CALLER = {
  tools: caller('tools'),
  upstreams: caller('upstreams'),
  notRead: caller('notRead'),
  burst: caller('burst'),
  rate: caller('rateValues'),
  /** The last session, and what it called last; calls after another one, and how many different pairs of them. */
  session: caller('session'),
  before: caller('before'),
  moves: caller('moves'),
  orders: caller('orders'),
} as const;

export const TOOL = {
  failed: tool('failedCalls'),
  slow: tool('slowCalls'),
  day: tool('day'),
  dayCalls: tool('dayCalls'),
  dayFailed: tool('dayFailed'),
  dayResults: tool('dayResults'),
  dayResultSum: tool('dayResultSum'),
  result: tool('resultDays'),
  share: tool('failedDays'),
} as const;

export const SEEN_CALLS = 1;
