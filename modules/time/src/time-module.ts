import { systemClock, type Clock } from '@signalbox/core';
import { defineModule, defineTool, type ModuleSource, type Tool } from '@signalbox/tools';
import { z } from 'zod';
import { UNIT_MS, toIsoDuration, toWords, type Unit } from './duration.ts';
import { offsetMs, parseMoment, toIso, toOffset, toWallMs } from './wall-clock.ts';
import { findZones, listZones, parseZone } from './zones.ts';

export interface TimeModuleOptions {
  /** Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>;
}

/** A module that tells the time, converts it between zones and measures spans. Its zone can be configured (`timezone`). */
export function createTimeModule({ clock = systemClock }: TimeModuleOptions = {}): ModuleSource {
  return defineModule({
    name: 'time',
    version: '0.1.0',
    title: 'Time',
    instructions: 'Ask here for the current time rather than guess it. Times are ISO 8601, zones are IANA names such as "Europe/Berlin".',
    config: z.strictObject({
      timezone: z.string().optional().describe('IANA zone for times that name none. Default: that of the machine.'),
    }),
    create({ timezone = new Intl.DateTimeFormat().resolvedOptions().timeZone }) {
      const home: Home = { zone: parseZone(timezone), now: () => clock.now() };
      return { tools: [currentTime(home), convertTime(home), timeBetween(home), listTimezones(home)] };
    },
  });
}

export const timeModule: ModuleSource = createTimeModule();

interface Home {
  readonly zone: string;
  now(): number;
}

/** The clock moves on, so the same question has another answer. */
const LOOKS_AT_CLOCK = { readOnlyHint: true, idempotentHint: true, destructiveHint: false, openWorldHint: false } as const;
const MAX_ZONES = 500;

const zoneName = z.string().min(1).max(100);
const timeText = z.string().min(1).max(100);
const moment = z.object({
  timezone: z.string(),
  time: z.string().describe('ISO 8601 with offset'),
  weekday: z.string(),
  isDaylightSaving: z.boolean(),
});

function currentTime(home: Home): Tool {
  return defineTool({
    name: 'get_current_time',
    title: 'Current time',
    description: 'Tells the current date, time and weekday in a time zone.',
    input: z.object({ timezone: zoneName.optional().describe(`IANA zone, for example "America/New_York". Default: "${home.zone}".`) }),
    output: moment.extend({ unixSeconds: z.number() }),
    annotations: LOOKS_AT_CLOCK,
    run({ timezone }) {
      const now = home.now();
      return { ...describe(now, timezone === undefined ? home.zone : parseZone(timezone)), unixSeconds: Math.floor(now / 1000) };
    },
  });
}

function convertTime(home: Home): Tool {
  return defineTool({
    name: 'convert_time',
    title: 'Convert a time',
    description: 'Converts a date and time from one time zone to another, with daylight saving taken into account.',
    input: z.object({
      time: timeText.describe('2026-03-01T14:30, or 14:30 for today. An offset (+01:00, Z) prevails over "from".'),
      from: zoneName.describe('IANA zone of the time'),
      to: zoneName.describe('IANA zone to convert to'),
    }),
    output: z.object({
      from: moment,
      to: moment,
      differenceHours: z.number().describe('How far "to" is ahead of "from" at that moment'),
      note: z.string().optional(),
    }),
    annotations: LOOKS_AT_CLOCK,
    run({ time, from, to }) {
      const source = parseZone(from);
      const target = parseZone(to);
      const { ms, note } = parseMoment(time, { zone: source, nowMs: home.now() });
      const differenceHours = (offsetMs(ms, target) - offsetMs(ms, source)) / UNIT_MS.hours;
      return { from: describe(ms, source), to: describe(ms, target), differenceHours, ...(note === undefined ? {} : { note }) };
    },
  });
}

function timeBetween(home: Home): Tool {
  return defineTool({
    name: 'time_between',
    title: 'Time between',
    description:
      'Measures the time from start to end; negative when end comes first. Days and weeks between two times without offset are calendar days, everything else is elapsed time.',
    input: z.object({
      start: timeText.describe('2026-03-01, 2026-03-01T14:30, 14:30 for today, or with an offset'),
      end: timeText.describe('As start'),
      unit: z
        .enum(Object.keys(UNIT_MS) as Unit[])
        .default('days')
        .describe('Unit of "value"'),
      timezone: zoneName.optional().describe(`IANA zone of times without offset. Default: "${home.zone}".`),
    }),
    output: z.object({
      start: z.string(),
      end: z.string(),
      value: z.number().describe('In the unit asked for'),
      unit: z.string(),
      elapsedSeconds: z.number(),
      duration: z.string().describe('Elapsed time, ISO 8601'),
      words: z.string().describe('Elapsed time; a day is 24 hours'),
      notes: z.array(z.string()).optional(),
    }),
    annotations: LOOKS_AT_CLOCK,
    run({ start, end, unit, timezone }) {
      const zone = timezone === undefined ? home.zone : parseZone(timezone);
      const nowMs = home.now();
      const first = parseMoment(start, { zone, nowMs });
      const last = parseMoment(end, { zone, nowMs });
      const elapsedMs = last.ms - first.ms;
      // Between noon and noon over a change of clocks lie 23 or 25 hours, yet one day.
      const isCalendar = first.isWall && last.isWall && (unit === 'days' || unit === 'weeks');
      const spanMs = isCalendar ? toWallMs(last.ms, zone) - toWallMs(first.ms, zone) : elapsedMs;
      const notes = [first.note, last.note].filter((note) => note !== undefined);
      return {
        start: toIso(first.ms, zone),
        end: toIso(last.ms, zone),
        value: Number((spanMs / UNIT_MS[unit]).toFixed(6)),
        unit,
        elapsedSeconds: elapsedMs / 1000,
        duration: toIsoDuration(elapsedMs),
        words: toWords(elapsedMs),
        ...(notes.length === 0 ? {} : { notes }),
      };
    },
  });
}

function listTimezones(home: Home): Tool {
  return defineTool({
    name: 'list_timezones',
    title: 'List time zones',
    description: 'Lists IANA time zones whose name contains the query, with their current offset.',
    input: z.object({
      query: z.string().max(100).optional().describe('For example "europe" or "new york". Default: all zones.'),
      limit: z.int().min(1).max(MAX_ZONES).default(50).describe('Longest list wanted.'),
    }),
    output: z.object({
      total: z.int().describe('Zones that match, also beyond the limit'),
      zones: z.array(z.object({ name: z.string(), offset: z.string() })),
    }),
    annotations: LOOKS_AT_CLOCK,
    run({ query, limit }) {
      const found = query === undefined ? listZones() : findZones(query);
      const now = home.now();
      return { total: found.length, zones: found.slice(0, limit).map((name) => ({ name, offset: toOffset(offsetMs(now, name)) })) };
    },
  });
}

function describe(ms: number, zone: string): z.infer<typeof moment> {
  const weekday = new Intl.DateTimeFormat('en-US', { timeZone: zone, weekday: 'long' }).format(ms);
  return { timezone: zone, time: toIso(ms, zone), weekday, isDaylightSaving: isDaylightSaving(ms, zone) };
}

// The offset is larger than the smallest of that year. Ireland's data calls winter the exception, which nobody else does.
function isDaylightSaving(ms: number, zone: string): boolean {
  const year = new Date(ms).getUTCFullYear();
  const months = Array.from({ length: 12 }, (_, month) => offsetMs(Date.UTC(year, month, 1), zone));
  return offsetMs(ms, zone) > Math.min(...months);
}
