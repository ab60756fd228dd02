import { describe, expect, test } from 'vitest';
import { GatewayError } from '../errors.ts';
import { configJsonSchema, configProblems, parseGatewayConfig } from './parse-config.ts';
import { DEFAULT_RESULTS } from './results-config.ts';
import { kindOf } from './upstream-config.ts';

function problemsOf(input: unknown): string[] {
  try {
    parseGatewayConfig(input);
  } catch (error) {
    if (error instanceof GatewayError) return configProblems(error).map((problem) => `${problem.path} ${problem.message}`);
    throw error;
  }
  return [];
}

describe('a configuration', () => {
  test('of the form other hosts use is taken as it is, with every default filled in', () => {
    const config = parseGatewayConfig({
      mcpServers: { files: { command: 'mcp-files', args: ['.'] }, web: { type: 'http', url: 'https://example.com/mcp' } },
    });
    expect(config.listen).toMatchObject({ host: '127.0.0.1', port: 7420 });
    expect(config.mcpServers['files']).toMatchObject({
      maxConcurrent: 512,
      timeouts: { callMs: 300_000 },
      tools: { prefix: 'on-collision' },
    });
    expect(kindOf(config.mcpServers['web']!)).toBe('http');
    expect(Object.isFrozen(config.mcpServers['files']!.timeouts)).toBe(true);
  });

  test('with the spellings of other hosts means the same', () => {
    const config = parseGatewayConfig({
      servers: { a: { serverUrl: 'http://localhost:1/mcp', enabled: false, autoApprove: ['x'], disabledTools: ['y'], timeout: 30 } },
    });
    expect(config.mcpServers['a']).toMatchObject({
      url: 'http://localhost:1/mcp',
      disabled: true,
      tools: { deny: ['y'] },
      timeouts: { callMs: 30_000 },
    });
  });

  test('names an unknown key and its nearest neighbour', () => {
    expect(problemsOf({ mcpServers: { a: { command: 'x', maxConcurent: 3 } } })).toEqual([
      'mcpServers.a.maxConcurent is not a known key; did you mean "maxConcurrent"?',
    ]);
    expect(problemsOf({ listen: { prot: 1 }, lsiten: {} }).toSorted()).toEqual(
      ['lsiten is not a known key; did you mean "listen"?', 'listen.prot is not a known key; did you mean "port"?'].toSorted(),
    );
  });

  test('says what an entry needs', () => {
    expect(problemsOf({ mcpServers: { a: {} } })).toEqual([
      'mcpServers.a needs exactly one of "command", "url" or "module", and has none of them',
    ]);
    expect(problemsOf({ mcpServers: { a: { command: 'x', url: 'http://y' } } })[0]).toContain('has "command" and "url"');
    expect(problemsOf({ mcpServers: { a: { type: 'http', command: 'x' } } })).toEqual([
      'mcpServers.a.type "http" needs "url", and the entry has "command"',
    ]);
    expect(problemsOf({ mcpServers: { a: { url: 'ftp://y' } } })).toEqual([
      'mcpServers.a.url must be an http://, https://, ws:// or wss:// address',
    ]);
  });

  test('tells its kind by its type and its address, which must agree', () => {
    const kinds = ([entry]: readonly [object]) => kindOf(parseGatewayConfig({ mcpServers: { a: entry } }).mcpServers['a']!);
    for (const [entry, kind] of [
      [{ url: 'https://y/mcp' }, 'http'],
      [{ url: 'https://y/mcp', type: 'streamable-http' }, 'http'],
      [{ url: 'https://y/sse', type: 'sse' }, 'sse'],
      [{ url: 'wss://y/mcp' }, 'websocket'],
      [{ url: 'WS://${env:HOST}/mcp', type: 'ws' }, 'websocket'],
      [{ url: 'ws://y', type: 'websocket' }, 'websocket'],
      [{ command: 'x' }, 'stdio'],
      [{ module: 'x' }, 'module'],
    ] as const) {
      expect(kinds([entry]), JSON.stringify(entry)).toBe(kind);
    }
    const url = 'mcpServers.a.url must be';
    for (const [entry, problem] of [
      [{ url: 'http://y', type: 'ws' }, `${url} a ws:// or wss:// address for an upstream of type "ws"`],
      [{ url: 'ws://y', type: 'sse' }, `${url} an http:// or https:// address for an upstream of type "sse"`],
      [{ url: 'wss://y', type: 'http' }, `${url} an http:// or https:// address for an upstream of type "http"`],
      [{ command: 'x', type: 'sse' }, 'mcpServers.a.type "sse" needs "url", and the entry has "command"'],
      [
        { url: 'http://y', type: 'sse', revision: 'modern' },
        'mcpServers.a.revision cannot be "modern" with type "sse", which came before it',
      ],
    ] as const) {
      expect(problemsOf({ mcpServers: { a: entry } })).toEqual([problem]);
    }
  });

  test('may say of large results whatever an upstream wants to have otherwise', () => {
    const parse = (results: unknown) => parseGatewayConfig({ mcpServers: { a: { command: 'x', results } }, results: {} });
    expect(parse({ ttlSeconds: 5 }).mcpServers['a']!.results).toEqual({ disabled: false, except: [], ttlSeconds: 5 });
    expect(parse(undefined).results).toEqual(DEFAULT_RESULTS);
    expect(() => parse({ maxInlneBytes: 5000 })).toThrow(
      'mcpServers.a.results.maxInlneBytes is not a known key; did you mean "maxInlineBytes"?',
    );
    expect(() => parse({ previewBytes: 1 })).toThrow('mcpServers.a.results.previewBytes too small');
    expect(() => parse({ maxBytes: 5_000_000 })).toThrow('mcpServers.a.results.maxBytes is not a known key');
  });

  test('has a JSON Schema that requires nothing with a default', () => {
    const schema = configJsonSchema();
    expect(schema).toMatchObject({ type: 'object', title: 'Signalbox configuration' });
    expect(schema['required']).toBeUndefined();
  });
});
