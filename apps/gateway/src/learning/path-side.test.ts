import { parseGatewayConfig } from '@signalbox/core';
import type { Interaction } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { createCallRecord } from '../testing/call-record.ts';
import { createPathSide } from './path-side.ts';

test('while calls are passed over, rarer facts are told, and what was likely next is over all the same', () => {
  const told: Interaction[] = [];
  let isCrowded = false;
  const side = createPathSide({
    config: parseGatewayConfig({ learning: { enabled: true } }).learning,
    key: new Uint8Array(32),
    toolsOf: () => undefined,
    tell: (fact) => void told.push(fact),
    passesOver: () => isCrowded,
    onCaller: () => undefined,
  });
  const record = createCallRecord({ method: 'tools/call', upstream: 'files', upstreamName: 'read' });
  const call = (): void => side.reader.write(record, { arguments: undefined, result: undefined, session: 'a' });
  call();
  const [{ session, sequence }] = told as [Interaction];
  side.nextCalls.take([{ session, sequence, after: { upstream: 'files', tool: 'read' }, tools: [] }]);
  expect(side.nextCalls.of(session)).toBeDefined();
  isCrowded = true;
  call();
  expect(told).toHaveLength(1);
  expect(side.nextCalls.of(session)).toBeUndefined();
  side.reader.search?.({ ...searched, results: [{ need: 'read a file', shown: [] }] });
  expect(told.map(({ kind }) => kind)).toEqual(['call', 'search']);
  isCrowded = false;
  call();
  expect(told).toHaveLength(3);
});

const searched = {
  atMs: 1,
  principal: 'alice',
  server: undefined,
  session: 'a',
  client: 'bench',
  adviceVersion: 0,
  arms: [],
  answerBytes: 10,
};
