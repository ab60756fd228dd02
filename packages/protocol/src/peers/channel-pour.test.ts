import { Cancellation, type Answer, type GatewayError, type ResultHead, type ResultSink } from '@signalbox/core';
import { expect, test } from 'vitest';
import { toParams } from '../messages/encode.ts';
import type { Channel } from '../transports/channel.ts';
import { openChannel } from './channel-client.ts';
import type { OutgoingRequest } from './peer.ts';

const TEXT = 'A line with "quotes" and a backslash \\\n'.repeat(1_000);
const CONTENT = `"content":[{"type":"text","text":${JSON.stringify(TEXT)}}]`;

interface TestSink extends ResultSink {
  text: string;
  readonly heads: ResultHead[];
}

function createSink(): TestSink {
  return {
    text: '',
    heads: [],
    isBegun: false,
    isFull: false,
    begin(head) {
      this.heads.push(head);
      return { added: '', dropped: new Set(), objects: new Set() };
    },
    write(bytes, start, end) {
      this.text += bytes.toString('utf8', start, end);
    },
  };
}

/** A handshake server over a channel that lends its large messages; `answer` makes what it says to calls. */
async function openLending(answer: (id: number) => string) {
  const anomalies: string[] = [];
  const kept: number[] = [];
  const channel: Channel = {
    onMessage: () => undefined,
    onClose: () => undefined,
    close: () => Promise.resolve(),
    send: (message) => {
      const { id, method } = JSON.parse(message.toString()) as { readonly id?: number; readonly method: string };
      if (id === undefined) return;
      const hello = JSON.stringify({ protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } });
      const bytes = Buffer.from(method === 'initialize' ? `{"jsonrpc":"2.0","id":${id},"result":${hello}}` : answer(id));
      queueMicrotask(() => {
        const lent = Buffer.from(bytes);
        if (lent.length > 16_384 && channel.onLargeMessage?.(lent) === true) return void lent.fill(0);
        kept.push(bytes.length);
        channel.onMessage(bytes);
      });
    },
  };
  const connection = await openChannel(channel, {
    upstream: 'files',
    client: { name: 'signalbox', version: '1' },
    revision: 'handshake',
    handshakeMs: 1_000,
    maxMessageBytes: 1e7,
    onNotification: () => undefined,
    onAnomaly: (text) => anomalies.push(text),
  });
  kept.length = 0;
  return { connection, anomalies, kept };
}

const request = (): OutgoingRequest => ({
  method: 'tools/call',
  params: toParams({ name: 'big' }),
  client: { revision: '2025-11-25', info: undefined, capabilities: {}, logLevel: 'off' },
  principal: 'local',
  cancellation: new Cancellation(),
  timeoutMs: 1_000,
  emit: undefined,
  wantsProgress: false,
});

async function pour(answer: (id: number) => string, sink = createSink()) {
  const { connection, anomalies, kept } = await openLending(answer);
  const end = await connection.pour!(request(), sink).then(
    (given: Answer) => given,
    (error: GatewayError) => error.code,
  );
  return { end, anomalies, kept, sink };
}

test.each<[string, (id: number, result: string) => string]>([
  ['with its id in front', (id, result) => `{"jsonrpc":"2.0","id":${id},"result":${result}}`],
  ['with its id at the end', (id, result) => `{"result":${result},"jsonrpc":"2.0","id":${id}}`],
])('a large answer %s goes into the sink of its call without being kept', async (_, write) => {
  const result = `{${CONTENT},"isError":true}`;
  const { end, sink, kept } = await pour((id) => write(id, result));
  expect(end).toEqual({ kind: 'delivered', resultType: 'complete', isError: true });
  expect(sink.text === result).toBe(true);
  expect(sink.heads).toMatchObject([{ revision: '2025-11-25', resultType: undefined, member: 'content' }]);
  expect(kept).toEqual([]);
});

test('what is small, refused by the sink or none that flows comes as an outcome', async () => {
  const answers: ((id: number) => string)[] = [
    (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`,
    (id) => `{"jsonrpc":"2.0","id":${id},"error":{"code":-1,"message":${JSON.stringify(TEXT)}}}`,
    (id) => `{"jsonrpc":"2.0","vendor":1,"id":${id},"result":{${CONTENT}},"other":2}`,
  ];
  for (const answer of answers) {
    const { end, kept, sink } = await pour(answer);
    expect([typeof end === 'object' && end.kind, kept.length, sink.text]).toEqual([answer === answers[1] ? 'error' : 'result', 1, '']);
  }
  const large = (id: number) => `{"jsonrpc":"2.0","id":${id},"result":{${CONTENT}}}`;
  const refusing = { ...createSink(), begin: () => undefined };
  expect((await pour(large, refusing)).end).toMatchObject({ kind: 'result' });
});

test('an answer that belongs to another request ends the call it claims to belong to', async () => {
  const { end, anomalies } = await pour((id) => `{"jsonrpc":"2.0","id":${id},"result":{${CONTENT}},"id":${id + 1}}`);
  expect([end, anomalies]).toEqual(['UPSTREAM_PROTOCOL', []]);
});

test('a large answer that nobody waits for is told like any other', async () => {
  const { connection, anomalies } = await openLending((id) => `{"jsonrpc":"2.0","id":${id + 5},"result":{${CONTENT}}}`);
  const made = request();
  const answer = connection.pour!(made, createSink());
  await Promise.resolve();
  made.cancellation.cancel('enough');
  await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(anomalies).toEqual([expect.stringContaining('which was never made')]);
});
