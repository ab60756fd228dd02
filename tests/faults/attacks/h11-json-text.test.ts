import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc } from '../../e2e/support/raw-client.ts';
import { startRecordingServer, type RecordingServer } from '../servers/recording-server.ts';
import { untilState } from '../support/observe.ts';
import { META_MEMBERS, MODERN } from './support/calls.ts';
import { JSON_TEXTS, NO_JSON, type Texts } from './support/json-texts.ts';

// H11: what is no JSON gets -32700 and goes nowhere; what is JSON never does, and reaches the upstream byte by byte.

let upstream: RecordingServer;
let gateway: RunningGateway;

beforeAll(async () => {
  upstream = await startRecordingServer();
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, health: { intervalMs: 86_400_000 } } } } });
  await untilState(gateway, 'web', 'ready');
});

afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

const HEADERS = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
const START = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"x":';
const END = `},"_meta":${JSON.stringify(META_MEMBERS)}}}`;

function inCall(text: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(START), Buffer.from(text), Buffer.from(END)]);
}

async function send(body: Buffer): Promise<{ readonly status: number; readonly code: number | undefined }> {
  const { status, messages } = await rpc(gateway.url).send(body, { headers: HEADERS });
  return { status, code: messages[0]?.error?.code };
}

/** A text for an error message: short, and readable whatever it holds. */
function show(text: string | Buffer): string {
  return JSON.stringify(text.toString('latin1').slice(0, 60));
}

function countOf(texts: Texts): number {
  return new Set(texts.flatMap(([, list]) => list.map((text) => Buffer.from(text).toString('latin1')))).size;
}

test('H11: the corpus is as large as the well-known one', () => {
  expect(countOf(NO_JSON)).toBeGreaterThanOrEqual(188);
  expect(countOf(JSON_TEXTS)).toBeGreaterThanOrEqual(95);
});

describe.each(NO_JSON)('H11: what is no JSON: %s', (_, texts) => {
  test.each([
    ['as a whole body', (text: string | Buffer) => Buffer.from(text)],
    ['as an argument of a call', inCall],
  ])('%s is refused with 400 and -32700', async (__, toBody) => {
    const seenBefore = upstream.seen.length;
    for (const text of texts) expect([show(text), await send(toBody(text))]).toEqual([show(text), { status: 400, code: -32700 }]);
    expect(upstream.seen.length).toBe(seenBefore);
  });
});

describe.each(JSON_TEXTS)('H11: what is JSON: %s', (_, texts) => {
  test('as a whole body is read, and refused for what it says', async () => {
    for (const text of texts) {
      for (const spaced of [text.toString(), ` \t\r\n${text.toString()} \t\r\n`])
        expect([show(spaced), await send(Buffer.from(spaced))]).toEqual([show(spaced), { status: 400, code: -32600 }]);
    }
  });

  test('as an argument reaches the upstream in its own bytes', async () => {
    for (const text of texts) {
      for (const spaced of [text.toString(), ` \t\r\n${text.toString()} \t\r\n`]) {
        expect([show(spaced), await send(inCall(spaced))]).toEqual([show(spaced), { status: 200, code: undefined }]);
        expect(upstream.calls.at(-1)!.body.includes(Buffer.from(`"arguments":{"x":${spaced}}`))).toBe(true);
      }
    }
  });
});

test('H11: a value named twice is JSON, and refused for what it says', async () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"a":1}', '[{"a":{},"b":1,"a":{}}]']) {
    expect(await send(Buffer.from(text))).toEqual({ status: 400, code: -32600 });
    expect(await send(inCall(text))).toEqual({ status: 400, code: -32600 });
  }
});
