import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway } from './support/gateway.ts';
import { openOfficialClient } from './support/official-clients.ts';

interface Match {
  readonly name: string;
  readonly why?: string;
}

test('the tool that a caller usually calls next rises in its searches, with the reason, until it has called something', async () => {
  const config = { mcpServers: { time: { module: '@signalbox/module-time' } }, surface: 'search', learning: { enabled: true } };
  await using gateway = await startGateway({ config });
  await untilState(gateway, 'time', 'ready');
  await using client = await openOfficialClient('client modern', gateway.url);
  const callNow = () => client.call('call_tool', { name: 'get_current_time', arguments: { timezone: 'America/New_York' } });
  const convert = () =>
    client.call('call_tool', { name: 'convert_time', arguments: { time: '2026-03-01T14:30', from: 'Europe/Berlin', to: 'Asia/Tokyo' } });
  const need = 'the time in a time zone';
  const find = async (): Promise<readonly Match[]> => {
    const { structured } = await client.call('search_tools', { needs: [need] });
    return (structured as { results: [{ matches: Match[] }] }).results[0].matches;
  };
  const ask = async <Body>(route: string) => (await (await askAdmin(gateway.dataDir, route, 'GET', {})).json()) as Body;
  // Not by a search, which would make a choice for this need of the calls after it.
  const { matches: plain } = await ask<{ matches: Match[] }>(`/learning/why?need=${encodeURIComponent(need)}`);
  expect(plain.map(({ name }) => name)).toContain('convert_time');
  expect(plain[0]).toEqual(expect.not.objectContaining({ name: 'convert_time' }));
  for (let round = 0; round < 10; round++) {
    await callNow();
    await convert();
  }
  await callNow();
  const [first, ...others] = await eventually('what comes next stands first', async () => {
    const matches = await find();
    return matches[0]?.name === 'convert_time' ? matches : undefined;
  });
  expect(first!.why).toBe('often follows get_current_time');
  expect(others.map(({ name }) => name)).toEqual(plain.map(({ name }) => name).filter((name) => name !== 'convert_time'));
  await convert();
  expect((await find()).map(({ why }) => why)).not.toContain('often follows get_current_time');

  const { nextTool } = await ask<{ nextTool: { told: number; sureRight: number } }>('/learning');
  expect(nextTool.told).toBeGreaterThan(18);
  expect(nextTool.sureRight).toBeGreaterThan(5);
  const { days } = await ask<{ days: { day: string; searches: number; led: number; place?: number }[] }>('/learning/quality');
  expect(days.length).toBeGreaterThan(0);
  expect(days[0]!.searches).toBeGreaterThan(1);
  expect(days.reduce((sum, { led }) => sum + led, 0)).toBeGreaterThan(0);
  const quality = await runSignalbox(['learn', 'quality', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(quality.stdout).toMatch(new RegExp(`DAY +SEARCHES +LED TO A CALL[^]*${days[0]!.day} +${days[0]!.searches} `));
  const shown = await runSignalbox(['learn', 'status', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(shown.stdout).toMatch(
    /the next tool was foretold for \d+ % of \d+ calls, among three for \d+ %; of \d+ that it was sure of \d+ %/,
  );
});
