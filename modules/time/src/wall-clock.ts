import { ToolError } from '@signalbox/tools';

/** A moment, and how it came to be known. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly ms: number;
  /** Whether the text named no offset, so that it was read as wall-clock time of a zone. */
  readonly isWall: boolean;
  /** What a reader should know: the clocks skip or repeat this time. */
  readonly note: string | undefined;
}

export interface WallOptions {
  /** Zone of times that name no offset. */
  readonly zone: string;
  /** For times without a date, which are today's there. Milliseconds since 1970. */
  readonly nowMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const PATTERN =
  /^(?:(\d{4})-(\d{2})-(\d{2}))?(?:(?:^|[T ])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * Reads `2026-03-01T14:30`, `2026-03-01`, `14:30`, each with or without seconds and an offset.
 * A time the clocks skip is moved ahead by the gap; of one they repeat the first is taken (RFC 9557 readers do the same).
 * @throws ToolError when the text is no such time.
 */
export function parseMoment(text: string, options: WallOptions): Moment {
  const match = PATTERN.exec(text.trim());
  if (match === null || text.trim() === '' || (match[1] === undefined && match[4] === undefined)) throw unreadable(text);
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset] = match;
  const today = new Date(toWallMs(options.nowMs, options.zone));
  const date =
    year === undefined ? [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()] : [Number(year), Number(month) - 1, Number(day)];
  const clock = [Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, '0'))];
  const wallMs = toUtc([...date, ...clock]);
  if (new Date(wallMs).toISOString() !== spell([...date, ...clock])) throw unreadable(text);
  if (offset !== undefined) return { ms: wallMs - toOffsetMs(offset, text), isWall: false, note: undefined };
  return { ...fromWall(wallMs, options.zone), isWall: true };
}

/** What the clocks of a zone show, as if they showed UTC. */
export function toWallMs(ms: number, zone: string): number {
  return ms + offsetMs(ms, zone);
}

/** How far the clocks of a zone are ahead of UTC, in milliseconds. */
export function offsetMs(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(ms);
  const name = parts.find(({ type }) => type === 'timeZoneName')!.value;
  // "GMT" alone is none; seconds appear before standard time, when each town had its own.
  const [, sign, hours, minutes, seconds = '0'] = /([+-])(\d+):(\d+)(?::(\d+))?$/.exec(name) ?? ['', '+', '0', '0'];
  return (sign === '-' ? -1 : 1) * (Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS + Number(seconds) * 1000);
}

/** Writes a moment the way the clocks of a zone show it: `2026-03-01T14:30:00+01:00`. */
export function toIso(ms: number, zone: string): string {
  const wall = new Date(toWallMs(ms, zone)).toISOString();
  return `${wall.slice(0, -1).replace(/\.000$/, '')}${toOffset(offsetMs(ms, zone))}`;
}

/** Writes an offset: `+05:30`. */
export function toOffset(offset: number): string {
  const minutes = Math.round(Math.abs(offset) / MINUTE_MS);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function fromWall(wallMs: number, zone: string): Omit<Moment, 'isWall'> {
  // No zone changes its clocks twice within two days, so the offsets a day before and after are the only candidates.
  const before = offsetMs(wallMs - DAY_MS, zone);
  const after = offsetMs(wallMs + DAY_MS, zone);
  const found = [...new Set([before, after])].map((offset) => wallMs - offset).filter((ms) => toWallMs(ms, zone) === wallMs);
  if (found.length === 1) return { ms: found[0]!, note: undefined };
  if (found.length === 0) {
    const ms = wallMs - before;
    return { ms, note: `The clocks of ${zone} skip this time; it was read as ${toIso(ms, zone)}` };
  }
  const first = Math.min(...found);
  return {
    ms: first,
    note: `The clocks of ${zone} show this time twice; the first was taken, the second is ${toIso(Math.max(...found), zone)}`,
  };
}

// Date.UTC takes the years 0 to 99 for 1900 to 1999.
function toUtc(fields: readonly number[]): number {
  const date = new Date(0);
  date.setUTCFullYear(fields[0]!, fields[1], fields[2]);
  return date.setUTCHours(fields[3]!, fields[4], fields[5], fields[6]);
}

function spell(fields: readonly number[]): string {
  const [year, month, day, hour, minute, second, millisecond] = fields as [number, number, number, number, number, number, number];
  const pad = (value: number, length = 2): string => String(value).padStart(length, '0');
  return `${pad(year, 4)}-${pad(month + 1)}-${pad(day)}T${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(millisecond, 3)}Z`;
}

function toOffsetMs(offset: string, text: string): number {
  if (offset.toUpperCase() === 'Z') return 0;
  const digits = offset.slice(1).replace(':', '').padEnd(4, '0');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 23 || minutes > 59) throw unreadable(text);
  return (offset.startsWith('-') ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS);
}

function unreadable(text: string): ToolError {
  return new ToolError(`Cannot read the time "${text}"; write 2026-03-01T14:30, 2026-03-01T14:30:00+01:00, 2026-03-01 or 14:30`);
}
