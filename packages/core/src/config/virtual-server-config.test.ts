import { describe, expect, test } from 'vitest';
import { GatewayError } from '../errors.ts';
import { configProblems, parseGatewayConfig } from './parse-config.ts';
import { pathOf } from './virtual-server-config.ts';

const mcpServers = { github: { command: 'x' }, 'my jira': { command: 'y', tags: ['work'] } };

function problemsOf(virtualServers: unknown): string[] {
  try {
    parseGatewayConfig({ mcpServers, virtualServers });
  } catch (error) {
    if (error instanceof GatewayError) return configProblems(error).map((problem) => `${problem.path} ${problem.message}`);
    throw error;
  }
  return [];
}

describe('a virtual server', () => {
  test('needs nothing but its name, and then has everything', () => {
    const { virtualServers, surface } = parseGatewayConfig({ mcpServers, virtualServers: { work: {} } });
    expect(virtualServers['work']).toEqual({
      surface: 'all',
      tags: [],
      tools: { deny: [], rename: {} },
      resources: true,
      prompts: true,
    });
    expect(pathOf('work', virtualServers['work']!)).toBe('/mcp/work');
    expect(surface).toBe('all');
  });

  test('chooses its path, upstreams, tools and surface', () => {
    const server = {
      path: '/teams/a.b/tools',
      title: 'Work',
      surface: 'search',
      upstreams: ['my jira', 'github'],
      tools: { prefix: 'always', allow: ['github/*'], deny: ['delete_*'], rename: { 'my jira/search': 'find' } },
      resources: false,
    };
    expect(problemsOf({ work: server })).toEqual([]);
    expect(parseGatewayConfig({ mcpServers, virtualServers: { work: server } }).virtualServers['work']).toMatchObject(server);
  });

  test('names upstreams that there are, and hears of the nearest otherwise', () => {
    expect(problemsOf({ work: { upstreams: ['github', 'githib'] }, home: { upstreams: ['something'] } })).toEqual([
      'virtualServers.work.upstreams.1 names "githib", which is not in "mcpServers"; did you mean "github"?',
      'virtualServers.home.upstreams.0 names "something", which is not in "mcpServers"; add it to "mcpServers"',
    ]);
  });

  test('has a path nobody else has', () => {
    expect(problemsOf({ a: { path: '/mcp/b' }, b: {}, c: { path: '/mcp' }, d: { path: '/api/v2' }, e: { path: '/sse' } })).toEqual([
      'virtualServers.b cannot be "/mcp/b": virtualServers.a is served there',
      'virtualServers.c.path cannot be "/mcp": everything is served there',
      'virtualServers.d.path cannot be "/api/v2": what begins with "/api" is reserved',
      'virtualServers.e.path cannot be "/sse": what begins with "/sse" is reserved',
    ]);
  });

  test.each(['mcp', '/', '/a/', '/a//b', '/a b', '/a?b', '/a/../b', '/..', '/%41', '/ä'])('cannot be served at "%s"', (path) => {
    expect(problemsOf({ a: { path } })).toEqual([expect.stringContaining('virtualServers.a.path must be a path such as') as string]);
  });

  test('with a key that is not known hears of the nearest one', () => {
    expect(problemsOf({ work: { tools: { alow: ['x'] } } })).toEqual([
      'virtualServers.work.tools.alow is not a known key; did you mean "allow"?',
    ]);
    expect(problemsOf({ 'a/b': {} })).toEqual([expect.stringContaining('must start with a letter or digit') as string]);
    expect(problemsOf({ a: { upstreams: [] } })).toHaveLength(1);
  });
});
