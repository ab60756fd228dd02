import { silentLogger, type Logger } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createCallRecord } from '../testing/call-record.ts';
import { createJournal } from './journal.ts';

test('a reader that throws is told of once and keeps a record from nobody', () => {
  const lines: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (_, fields) => void lines.push(fields) };
  const read: string[] = [];
  const broken = {
    name: 'broken',
    write: () => {
      throw new Error('no room');
    },
  };
  const good = { name: 'good', write: ({ callId }: { callId: string }) => void read.push(callId) };
  const audit = { payloadBytes: 0, isDurable: false, check: () => undefined, write: broken.write };
  const journal = createJournal({ readers: [broken, good], audit, logger });
  for (const callId of ['1', '2', '3']) expect(journal.write(createCallRecord({ callId }))).toBeUndefined();
  expect(read).toEqual(['1', '2', '3']);
  expect(lines).toEqual([
    { reader: 'broken', error: 'no room' },
    { reader: 'audit', error: 'no room' },
  ]);
});

test('what the audit asks for is asked of the path', () => {
  const kept = Promise.resolve();
  const audit = { payloadBytes: 7, isDurable: true, check: () => undefined, write: () => kept };
  const journal = createJournal({ readers: [], audit, logger: silentLogger });
  expect(journal).toMatchObject({ payloadBytes: 7, isDurable: true });
  expect(journal.write(createCallRecord())).toBe(kept);
});

test('what a call was about and what was searched for reach who asks for them, and only they make the path hand them on', () => {
  const read: unknown[] = [];
  const plain = { name: 'plain', write: () => undefined };
  const reader = {
    name: 'reader',
    wantsPayload: true,
    write: (_: unknown, payload: unknown) => void read.push(payload),
    search: (record: unknown) => void read.push(record),
  };
  expect(createJournal({ readers: [plain], audit: undefined, logger: silentLogger })).toMatchObject({ wantsPayload: false });
  expect(createJournal({ readers: [plain], audit: undefined, logger: silentLogger }).search).toBeUndefined();
  const journal = createJournal({ readers: [plain, reader], audit: undefined, logger: silentLogger });
  expect(journal.wantsPayload).toBe(true);
  const payload = { arguments: undefined, result: undefined, session: 's' };
  void journal.write(createCallRecord(), payload);
  const search = {
    principal: 'p',
    server: undefined,
    client: undefined,
    session: 's',
    atMs: 1,
    adviceVersion: 0,
    arms: [],
    answerBytes: 0,
    results: [],
  };
  journal.search!(search);
  expect(read).toEqual([payload, search]);
});
