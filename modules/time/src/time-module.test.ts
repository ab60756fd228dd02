import { describe, expect, test } from 'vitest';
import { testModule } from '@signalbox/tools/testing';
import * as everything from './index.ts';
import { createTimeModule } from './time-module.ts';

const NOW = Date.UTC(2026, 6, 15, 10, 20, 30, 500);
const open = (timezone = 'Europe/Berlin') => testModule(createTimeModule({ clock: { now: () => NOW } }), { config: { timezone } });

describe('get_current_time', () => {
  test('tells the time of the configured zone', async () => {
    await using time = await open();
    expect((await time.call('get_current_time')).structured).toEqual({
      timezone: 'Europe/Berlin',
      time: '2026-07-15T12:20:30.500+02:00',
      weekday: 'Wednesday',
      isDaylightSaving: true,
      unixSeconds: 1784110830,
    });
  });

  test.each([
    ['UTC', '2026-07-15T10:20:30.500+00:00', false],
    ['Asia/Kathmandu', '2026-07-15T16:05:30.500+05:45', false],
    ['America/St_Johns', '2026-07-15T07:50:30.500-02:30', true],
    ['Pacific/Kiritimati', '2026-07-16T00:20:30.500+14:00', false],
    ['Australia/Sydney', '2026-07-15T20:20:30.500+10:00', false],
  ])('tells the time of %s', async (timezone, expected, isDaylightSaving) => {
    await using time = await open();
    expect((await time.call('get_current_time', { timezone })).structured).toMatchObject({ time: expected, isDaylightSaving });
  });

  test.each([
    ['Europe/Berln', 'did you mean "Europe/Berlin"?'],
    ['berlin', 'did you mean "Europe/Berlin"?'],
    ['New York', 'did you mean "America/New_York"?'],
    ['Tokio', 'did you mean "Asia/Tokyo"?'],
    ['Mars/Olympus_Mons_Base', 'or list_timezones to find one'],
  ])('names zones near "%s"', async (timezone, hint) => {
    await using time = await open();
    const answer = await time.call('get_current_time', { timezone });
    expect(answer.isError).toBe(true);
    expect(answer.text).toContain(`Unknown time zone "${timezone}"`);
    expect(answer.text).toContain(hint);
  });
});

describe('convert_time', () => {
  test.each([
    ['2026-03-01T14:30', 'Europe/Berlin', 'America/New_York', '2026-03-01T08:30:00-05:00', -6],
    ['2026-03-15 14:30:15', 'Europe/Berlin', 'America/New_York', '2026-03-15T09:30:15-04:00', -5],
    ['09:00', 'Asia/Tokyo', 'UTC', '2026-07-15T00:00:00+00:00', -9],
    ['2026-01-01T00:00Z', 'Europe/Berlin', 'Asia/Kolkata', '2026-01-01T05:30:00+05:30', 4.5],
    ['2026-01-01T00:00:00.25+0100', 'UTC', 'UTC', '2025-12-31T23:00:00.250+00:00', 0],
    ['0050-01-01T00:00Z', 'UTC', 'UTC', '0050-01-01T00:00:00+00:00', 0],
  ])('takes %s from %s to %s', async (text, from, to, expected, differenceHours) => {
    await using time = await open();
    expect((await time.call('convert_time', { time: text, from, to })).structured).toMatchObject({
      to: { time: expected },
      differenceHours,
    });
  });

  test('tells of a time the clocks skip, and moves it ahead', async () => {
    await using time = await open();
    const answer = await time.call('convert_time', { time: '2026-03-29T02:30', from: 'Europe/Berlin', to: 'UTC' });
    expect(answer.structured).toMatchObject({
      from: { time: '2026-03-29T03:30:00+02:00' },
      note: expect.stringContaining('skip this time'),
    });
  });

  test('tells of a time the clocks show twice, and takes the first', async () => {
    await using time = await open();
    const answer = await time.call('convert_time', { time: '2026-10-25T02:30', from: 'Europe/Berlin', to: 'UTC' });
    expect(answer.structured).toMatchObject({
      to: { time: '2026-10-25T00:30:00+00:00' },
      note: expect.stringContaining('the second is 2026-10-25T02:30:00+01:00'),
    });
  });

  test.each(['tomorrow', '25:00', '2026-02-30', '2026-13-01T00:00', '', '   ', 'Z', '2026-01-01T00:00+25:00', 'T'])(
    'refuses "%s"',
    async (text) => {
      await using time = await open();
      expect((await time.call('convert_time', { time: text, from: 'UTC', to: 'UTC' })).isError).toBe(true);
    },
  );
});

describe('time_between', () => {
  test.each([
    ['2026-03-28', '2026-03-30', 'days', 2, 47 * 3600],
    ['2026-03-28', '2026-03-30', 'hours', 47, 47 * 3600],
    ['2026-03-28T00:00+01:00', '2026-03-30T00:00+02:00', 'days', 1.958333, 47 * 3600],
    ['2026-01-15', '2026-01-01', 'weeks', -2, -14 * 86_400],
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.250Z', 'milliseconds', 250, 0.25],
    ['08:00', '17:30', 'minutes', 570, 9.5 * 3600],
  ])('counts from %s to %s in %s', async (start, end, unit, value, elapsedSeconds) => {
    await using time = await open();
    expect((await time.call('time_between', { start, end, unit })).structured).toMatchObject({ value, unit, elapsedSeconds });
  });

  test('says it in words and as a duration', async () => {
    await using time = await open('UTC');
    const spell = async (end: string) => (await time.call('time_between', { start: '2026-01-01T00:00Z', end })).structured;
    expect(await spell('2026-01-02T02:01:30.5Z')).toMatchObject({
      duration: 'P1DT2H1M30.5S',
      words: '1 day 2 hours 1 minute 30.5 seconds',
    });
    expect(await spell('2025-12-31T23:59:59Z')).toMatchObject({ duration: '-PT1S', words: 'minus 1 second' });
    expect(await spell('2026-01-01T00:00Z')).toMatchObject({ duration: 'PT0S', words: 'no time' });
  });

  test('knows no other units, and says which there are', async () => {
    await using time = await open();
    expect((await time.call('time_between', { start: '08:00', end: '09:00', unit: 'fortnights' })).text).toMatch(/- unit: .*"weeks"/);
  });
});

describe('list_timezones', () => {
  test('finds zones by words of their name', async () => {
    await using time = await open();
    expect((await time.call('list_timezones', { query: 'new york' })).structured).toEqual({
      total: 1,
      zones: [{ name: 'America/New_York', offset: '-04:00' }],
    });
    expect((await time.call('list_timezones', { query: 'atlantis' })).structured).toEqual({ total: 0, zones: [] });
  });

  test('is bounded, and says how many there are', async () => {
    await using time = await open();
    const { total, zones } = (await time.call('list_timezones', { limit: 3 })).structured as { total: number; zones: unknown[] };
    expect(zones).toHaveLength(3);
    expect(total).toBeGreaterThan(300);
  });
});

describe('the module', () => {
  test('lists its four tools as safe to repeat', async () => {
    await using time = await open();
    const tools = await time.list();
    expect(tools.map(({ name }) => name)).toEqual(['get_current_time', 'convert_time', 'time_between', 'list_timezones']);
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true && annotations.idempotentHint === true)).toBe(true);
  });

  test('takes the zone of the machine when none is configured', async () => {
    await using time = await testModule(everything.module);
    const { structured } = await time.call('get_current_time');
    expect(structured).toMatchObject({ timezone: new Intl.DateTimeFormat().resolvedOptions().timeZone });
  });

  test('refuses a zone nobody knows, and a setting it does not have', async () => {
    await expect(open('Europe/Berln')).rejects.toThrow('did you mean "Europe/Berlin"?');
    await expect(testModule(everything.module, { config: { zone: 'UTC' } })).rejects.toThrow(
      'Cannot use the configuration of module "time"',
    );
  });
});
