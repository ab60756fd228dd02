import { expect, test } from 'vitest';
import { AnswerWriter } from './answer-writer.ts';
import { BLOCK_BYTES } from '../messages/blocks.ts';
import type { ResponseWriter } from './http-message.ts';

/** A client whose side of the connection takes what it is told to take. */
function createResponse() {
  const listeners: Record<string, (() => void)[]> = { close: [], drain: [] };
  const client = { isReading: true, kept: [] as Buffer[], text: '', isEnded: false };
  const take = (bytes: Buffer) => {
    if (client.isReading) client.text += bytes.toString('latin1');
    else client.kept.push(bytes);
  };
  const response = {
    destroyed: false,
    get writableLength() {
      return client.kept.reduce((length, bytes) => length + bytes.length, 0);
    },
    cork: () => undefined,
    uncork: () => undefined,
    write: (bytes: Buffer) => take(bytes),
    end: (bytes: Buffer) => {
      take(bytes);
      client.isEnded = true;
    },
    on: (event: string, listener: () => void) => listeners[event]!.push(listener),
  };
  return {
    client,
    response: response as unknown as ResponseWriter,
    readOn: () => {
      client.isReading = true;
      for (const bytes of client.kept.splice(0)) take(bytes);
      for (const listener of listeners['drain']!) listener();
    },
    leave: () => {
      response.destroyed = true;
      for (const listener of listeners['close']!) listener();
    },
  };
}

function createWriter({ maxBytes, mode = 'any text' }: { readonly maxBytes?: number; readonly mode?: 'one line' | 'any text' } = {}) {
  const connection = createResponse();
  const calls: string[] = [];
  const source = { resume: () => calls.push('resume'), stop: () => calls.push('stop') };
  const onStart = () => {
    calls.push('start');
    return mode;
  };
  const writer = new AnswerWriter(Buffer.from('<'), { response: connection.response, source, maxBytes, onStart });
  const write = (text: string) => {
    const lent = Buffer.from(`..${text}..`);
    writer.write(lent, 2, lent.length - 2);
    lent.fill(0);
  };
  return { ...connection, writer, calls, write };
}

const BLOCK = 'b'.repeat(BLOCK_BYTES);

test('nothing leaves before a block is full, and until then it can be forgotten', () => {
  const { client, writer, calls, write } = createWriter();
  write(BLOCK.slice(0, -1));
  expect([client.text, writer.isBegun, calls]).toEqual(['', false, []]);
  writer.discard();
  write('more');
  writer.end(Buffer.from('>'));
  expect([client.text, client.isEnded, calls]).toEqual(['', false, []]);
});

test('what was written arrives in its order, and a short answer in one piece', () => {
  const short = createWriter();
  short.write('a');
  short.write('');
  short.write('b');
  short.writer.end(Buffer.from('>'));
  expect([short.client.text, short.client.isEnded, short.calls]).toEqual(['<ab>', true, ['start']]);
  const long = createWriter();
  for (const letter of ['x', 'y', 'z']) long.write(letter.repeat(100_000));
  expect([long.writer.isBegun, long.calls]).toEqual([true, ['start']]);
  long.writer.end(Buffer.from('>'));
  expect(long.client.text === `<${'x'.repeat(100_000)}${'y'.repeat(100_000)}${'z'.repeat(100_000)}>`).toBe(true);
});

test('a promised length is made up with spaces, also when they fill blocks', () => {
  for (const maxBytes of [3, 10, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES]) {
    const { client, writer, write } = createWriter({ maxBytes });
    write('abc');
    writer.end(Buffer.from('>'));
    expect([client.text.length, client.text.slice(0, 4), client.text.slice(4, -1).trim(), client.text.at(-1)]).toEqual([
      maxBytes + 2,
      '<abc',
      '',
      '>',
    ]);
  }
});

test('on one line, line ends become spaces but for those that end it', () => {
  const { client, writer, write } = createWriter({ mode: 'one line', maxBytes: 1000 });
  write('\n1,\r\n2');
  write(BLOCK);
  write('\r3\n');
  writer.end(Buffer.from('>\n\n'));
  expect([client.text.slice(0, 8), client.text.slice(-7)]).toEqual(['< 1,  2b', 'b 3 >\n\n']);
  expect(client.text.length).toBe(BLOCK_BYTES + 13);
});

test('a client that does not read holds up the source, and what waits for it stays what it was', () => {
  const { client, writer, calls, write, readOn } = createWriter();
  client.isReading = false;
  write('a'.repeat(BLOCK_BYTES));
  expect([writer.isFull, client.kept.length]).toEqual([false, 1]);
  write('b'.repeat(BLOCK_BYTES));
  expect([writer.isFull, client.kept.length]).toEqual([true, 2]);
  // What the source had at hand already is taken all the same.
  write('c'.repeat(BLOCK_BYTES));
  readOn();
  expect([writer.isFull, calls]).toEqual([false, ['start', 'resume']]);
  write('d');
  writer.end(Buffer.from('>'));
  expect(client.text === `<${['a', 'b', 'c'].map((letter) => letter.repeat(BLOCK_BYTES)).join('')}d>`).toBe(true);
  readOn();
  expect(calls).toEqual(['start', 'resume']);
});

test('a block is not used again while the kernel has not taken it', () => {
  const slow = createWriter();
  slow.client.isReading = false;
  slow.write('s'.repeat(BLOCK_BYTES + 10));
  slow.writer.end(Buffer.from('>'));
  for (let count = 0; count < 50; count++) {
    const other = createWriter();
    other.write('o'.repeat(BLOCK_BYTES + 10));
    other.writer.end(Buffer.from('>'));
  }
  slow.readOn();
  expect(slow.client.text === `<${'s'.repeat(BLOCK_BYTES + 10)}>`).toBe(true);
});

test('the source hears once that its client has left', () => {
  const { writer, calls, write, leave } = createWriter();
  write('a');
  leave();
  leave();
  write(BLOCK);
  writer.end(Buffer.from('>'));
  expect([calls, writer.isFull]).toEqual([['stop'], false]);
  const done = createWriter();
  done.writer.end(Buffer.from('>'));
  done.leave();
  expect(done.calls).toEqual(['start']);
});
