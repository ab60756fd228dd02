import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMoment, toIso, toWallMs } from './wall-clock.ts';
import { listZones } from './zones.ts';

const zones = fc.constantFrom(...listZones());
const moments = fc.integer({ min: Date.UTC(1975, 0, 1), max: Date.UTC(2060, 0, 1) });

test('what is written with an offset is read back as the same moment', () => {
  fc.assert(
    fc.property(zones, zones, moments, (zone, other, ms) => {
      expect(parseMoment(toIso(ms, zone), { zone: other, nowMs: 0 })).toEqual({ ms, isWall: false, note: undefined });
    }),
  );
});

test('a wall-clock time is read as a moment at which the clocks show it, the first if there are two', () => {
  fc.assert(
    fc.property(zones, moments, (zone, ms) => {
      const text = new Date(toWallMs(ms, zone)).toISOString().slice(0, -1);
      const read = parseMoment(text, { zone, nowMs: 0 });
      expect(toWallMs(read.ms, zone)).toBe(toWallMs(ms, zone));
      expect(read.ms).toBeLessThanOrEqual(ms);
      expect(read.note === undefined ? read.ms : ms).toBe(ms);
    }),
  );
});
