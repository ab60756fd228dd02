import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '@signalbox/core';
import { expect, test } from 'vitest';
import type { Route } from '../admin.ts';
import { createHealth } from './health.ts';
import { createMetricsRoute } from './metrics-route.ts';

async function ask(route: Route, path: string, init: RequestInit = {}) {
  const server = createServer((request, response) => {
    if (!route(request, response)) response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, init);
  const answer = [response.status, await response.text()];
  server.close();
  server.closeAllConnections();
  return answer;
}

test('readiness says what is in the way, and health only that the process works', async () => {
  let obstacles: string[] = [];
  const health = createHealth({ obstacles: () => obstacles });
  expect(await ask(health.route, '/healthz')).toEqual([200, '{"status":"ok"}']);
  expect(await ask(health.route, '/readyz')).toEqual([503, '{"status":"unavailable","reasons":["starting"]}']);
  health.isListening = true;
  expect(await ask(health.route, '/readyz?verbose')).toEqual([200, '{"status":"ok"}']);
  obstacles = ['audit unavailable'];
  health.isDraining = true;
  expect(await ask(health.route, '/readyz')).toEqual([503, '{"status":"unavailable","reasons":["draining","audit unavailable"]}']);
  expect(await ask(health.route, '/healthz', { method: 'HEAD' })).toEqual([200, '']);
  expect(await ask(health.route, '/healthz', { method: 'POST' })).toEqual([405, '']);
  expect(await ask(health.route, '/readyz/more')).toEqual([404, '']);
});

test('metrics are shown to those who know their token', async () => {
  const families = async () => [
    { name: 'a_total', help: 'A\nb', type: 'counter' as const, points: [{ labels: { of: 'x"\n\\' }, value: 2 }] },
  ];
  const open = createMetricsRoute({ families, token: undefined, logger: silentLogger });
  const text = '# HELP a_total A\\nb\n# TYPE a_total counter\na_total{of="x\\"\\n\\\\"} 2\n';
  expect(await ask(open, '/metrics')).toEqual([200, text]);
  expect(await ask(open, '/metrics', { method: 'POST' })).toEqual([405, '']);
  const guarded = createMetricsRoute({ families, token: 'right', logger: silentLogger });
  expect(await ask(guarded, '/metrics')).toEqual([401, '']);
  expect(await ask(guarded, '/metrics', { headers: { authorization: 'Bearer wrong' } })).toEqual([401, '']);
  expect(await ask(guarded, '/metrics', { headers: { authorization: 'bearer right' } })).toEqual([200, text]);
  const broken = createMetricsRoute({ families: () => Promise.reject(new Error('no')), token: undefined, logger: silentLogger });
  expect(await ask(broken, '/metrics')).toEqual([500, '']);
});
