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
