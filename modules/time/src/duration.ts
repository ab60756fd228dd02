/** Units a span can be counted in, with their length in milliseconds. */
export const UNIT_MS = {
  milliseconds: 1,
  seconds: 1_000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
} as const;
export type Unit = keyof typeof UNIT_MS;

/** ISO 8601 duration of a span in days and smaller: `P1DT2H`, `-PT0.5S`. */
export function toIsoDuration(spanMs: number): string {
  const { days, hours, minutes, milliseconds } = split(Math.abs(spanMs));
  const clock = [hours > 0 ? `${hours}H` : '', minutes > 0 ? `${minutes}M` : '', milliseconds > 0 ? `${milliseconds / 1000}S` : ''].join(
    '',
  );
  const text = `${days > 0 ? `${days}D` : ''}${clock === '' ? '' : `T${clock}`}`;
  return `${spanMs < 0 ? '-' : ''}P${text === '' ? 'T0S' : text}`;
}

/** A span in words: `1 day 2 hours`. */
export function toWords(spanMs: number): string {
  const { days, hours, minutes, milliseconds } = split(Math.abs(spanMs));
  const parts = [count(days, 'day'), count(hours, 'hour'), count(minutes, 'minute'), count(milliseconds / 1000, 'second')].filter(
    (part) => part !== '',
  );
  if (parts.length === 0) return 'no time';
  return `${spanMs < 0 ? 'minus ' : ''}${parts.join(' ')}`;
}

function split(ms: number): { readonly days: number; readonly hours: number; readonly minutes: number; readonly milliseconds: number } {
  return {
    days: Math.floor(ms / UNIT_MS.days),
    hours: Math.floor((ms % UNIT_MS.days) / UNIT_MS.hours),
    minutes: Math.floor((ms % UNIT_MS.hours) / UNIT_MS.minutes),
    milliseconds: ms % UNIT_MS.minutes,
  };
}

function count(value: number, unit: string): string {
  if (value === 0) return '';
  return `${value} ${unit}${value === 1 ? '' : 's'}`;
}
