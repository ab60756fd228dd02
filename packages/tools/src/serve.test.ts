import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import { defineModule } from './module.ts';
import { parseServeArguments } from './serve-arguments.ts';
import { serve, type ServeOptions } from './serve.ts';
import { defineTool } from './tool.ts';

function createStreams() {
  return { input: new PassThrough(), output: new PassThrough(), log: new PassThrough() };
}

function createGreeter(closed: string[] = []) {
  return defineModule({
    name: 'greeter',
    version: '1.0.0',
    config: { type: 'object', properties: { greeting: { type: 'string', default: 'Hello' } } },
    create: ({ greeting }) => ({
      tools: [defineTool({ name: 'greet', description: 'Greets.', run: () => String(greeting) })],
      close: () => void closed.push('greeter'),
    }),
  });
}

const start = (options: ServeOptions = {}) => serve(createGreeter(), { argv: ['greeter.mjs'], streams: createStreams(), ...options });

describe('over stdio', () => {
  test('a client opens, calls and leaves, and the module is closed', async () => {
    const closed: string[] = [];
    const streams = createStreams();
    const served = await serve(createGreeter(closed), { argv: ['greeter.mjs', '--config', '{"greeting":"Moin"}'], streams });
    const clientInfo = { name: 'test', version: '0' };
    streams.input.write(
      `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } })}\n`,
    );
    streams.input.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
    streams.input.write(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'greet' } })}\n`);
    const answers = await readLines(streams.output, 2);
    expect(answers[0]).toMatchObject({
      id: 1,
      result: { protocolVersion: '2025-06-18', serverInfo: { name: 'greeter', version: '1.0.0' } },
    });
    expect(answers[1]).toMatchObject({ id: 2, result: { content: [{ type: 'text', text: 'Moin' }] } });
    streams.input.end();
    expect(await served.closed).toBe('The client closed its end');
    expect(closed).toEqual(['greeter']);
  });

  test('is what happens unless something else is said', async () => {
    const served = await start();
    expect(served.transport).toBe('stdio');
    await served.close();
  });
});

describe('over HTTP', () => {
  test.each(['legacy', { pin: '2026-07-28' }] as const)('a client of generation %j calls, and the log names the address', async (mode) => {
    const streams = createStreams();
    const served = await start({ argv: ['greeter.mjs', '--http', '0'], streams });
    const client = new Client({ name: 'test', version: '0' }, { versionNegotiation: { mode } });
    try {
      expect(String(streams.log.read())).toBe(`greeter listens on ${served.url}\n`);
      await client.connect(new StreamableHTTPClientTransport(new URL(served.url!)));
      expect((await client.callTool({ name: 'greet' })).content).toEqual([{ type: 'text', text: 'Hello' }]);
    } finally {
      await client.close();
      await served.close();
    }
    expect(await served.closed).toBe('We closed it');
  });

  test('on other hosts than this one needs a token', async () => {
    await expect(start({ transport: 'http', port: 0, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('asks every request for the token', async () => {
    const served = await start({ transport: 'http', port: 0, token: 'secret' });
    try {
      expect((await fetch(served.url!, { method: 'POST', body: '{}' })).status).toBe(401);
    } finally {
      await served.close();
    }
  });

  test('says when the port is taken, and closes the module', async () => {
    const first = await start({ transport: 'http', port: 0 });
    const closed: string[] = [];
    try {
      const port = Number(new URL(first.url!).port);
      const second = serve(createGreeter(closed), { transport: 'http', port, argv: ['greeter.mjs'], streams: createStreams() });
      await expect(second).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(closed).toEqual(['greeter']);
    } finally {
      await first.close();
    }
  });
});

describe('a file that names itself as the entry', () => {
  test('is served only when it is the one that was started', async () => {
    const entry = pathToFileURL('/srv/greeter.mjs').href;
    expect((await start({ entry, argv: ['/srv/gateway.mjs', '--unknown'] })).transport).toBe('none');
    expect((await start({ entry, argv: [] })).transport).toBe('none');
    const served = await start({ entry, argv: ['/srv/greeter.mjs'] });
    expect(served.transport).toBe('stdio');
    await served.close();
  });
});

describe('the command line', () => {
  test.each([
    [[], {}],
    [['--stdio'], { transport: 'stdio' }],
    [['--http'], { transport: 'http' }],
    [['--http', '8080', '--host', '::1'], { transport: 'http', port: 8080, host: '::1' }],
    [['--http', '--config', '{"a":1}'], { transport: 'http', config: { a: 1 } }],
  ])('reads %j', (args, expected) => {
    expect(parseServeArguments(args)).toEqual(expected);
  });

  test.each([
    [['--htp'], 'Cannot understand "--htp"; known are --stdio, --http [PORT], --host NAME and --config JSON'],
    [['--http', '80a'], 'Cannot listen on port "80a"'],
    [['--http', '70000'], 'Cannot listen on port "70000"'],
    [['--host'], 'Cannot understand "--host"'],
    [['--config', '{'], 'Cannot read the value of "--config"'],
  ])('refuses %j', (args, message) => {
    expect(() => parseServeArguments(args)).toThrow(message);
  });
});

async function readLines(stream: PassThrough, count: number): Promise<unknown[]> {
  const lines: unknown[] = [];
  let text = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const parts = text.split('\n');
    text = parts.pop()!;
    lines.push(...parts.map((part): unknown => JSON.parse(part)));
    if (lines.length >= count) break;
  }
  return lines;
}
