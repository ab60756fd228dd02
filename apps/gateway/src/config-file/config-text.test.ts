import { configProblems, type GatewayError, parseGatewayConfig } from '@signalbox/core';
import { describe, expect, test } from 'vitest';
import { addServer, locateProblems, parseConfigText, removeServer, serversIn } from './config-text.ts';

const TEXT = `{
  // Mine.
  "mcpServers": {
    "github": { "command": "npx", "unknown": [1] }, // the forge
    "time": { "module": "x" }
  },
  "listen": { "port": 7420 }
}
`;

describe('parseConfigText', () => {
  test('comments and trailing commas are allowed, and nothing at all is an empty configuration', () => {
    expect(parseConfigText('{ "a": [1,], /* b */ }')).toEqual({ value: { a: [1] }, problems: [] });
    expect(parseConfigText(' // nothing yet\n')).toEqual({ value: {}, problems: [] });
  });

  test.each([
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'a comma is missing before this; put one at the end of the entry above'],
    ['{\n  "a": tru\n}', 2, 8, '"tru" is not JSON; put text in double quotes'],
    ['{\n  "a": {\n', 3, 1, 'a "}" is missing; close the object here'],
    ['{} }', 1, 4, 'the document has already ended; remove what follows, or a closing brace too many above'],
    ['{ "a": "x\n}', 1, 8, 'a text is not closed; end it with a double quote on the same line'],
    ['{\n "a": 1,\n "a": 2 }', 3, 2, '"a" stands here a second time; rename or remove one of them'],
  ])('the error in %j has its line, column and remedy', (text, line, column, message) => {
    expect(parseConfigText(text).problems).toContainEqual({ line, column, message });
  });
});

describe('addServer and removeServer', () => {
  test('a server is added last and the rest stays', () => {
    const added = addServer(TEXT, 'new', { command: 'x' });
    expect(added).toBe(TEXT.replace('"time": { "module": "x" }', '"time": { "module": "x" },\n    "new": {\n      "command": "x"\n    }'));
    expect(removeServer(added, 'new')).toBe(TEXT);
  });

  test('a name that is taken is refused, unless it is to be replaced', () => {
    expect(() => addServer(TEXT, 'time', { command: 'x' })).toThrow('Cannot add server "time": the configuration has one of that name');
    const replaced = addServer(TEXT, 'time', { url: 'http://x' }, { replace: true });
    expect(serversIn(replaced)['time']).toEqual({ url: 'http://x' });
    expect(replaced).toContain('// the forge');
  });

  test('a name nobody has is refused with the nearest one', () => {
    expect(() => removeServer(TEXT, 'gihtub')).toThrow('did you mean "github"?');
    expect(() => removeServer('', 'x')).toThrow('it has none');
  });

  test('a file that says "servers" goes on saying so', () => {
    const added = addServer('{ "servers": { "a": { "command": "x" } } }', 'b', { command: 'y' });
    expect(Object.keys(serversIn(added))).toEqual(['a', 'b']);
    expect(added).not.toContain('mcpServers');
  });
});

test('problems of the schema are located in the text', () => {
  const text =
    '{\n  "mcpServers": {\n    "my.server": {\n      "command": "x",\n      "timeouts": { "callMs": 0 }\n    }\n  },\n  "lisen": {}\n}\n';
  let error: unknown;
  try {
    parseGatewayConfig(parseConfigText(text).value);
  } catch (thrown) {
    error = thrown;
  }
  const located = locateProblems(text, configProblems(error as GatewayError));
  expect(located.map(({ path, line, column }) => ({ path, line, column }))).toEqual(
    expect.arrayContaining([
      { path: 'mcpServers.my.server.timeouts.callMs', line: 5, column: 21 },
      { path: 'lisen', line: 8, column: 3 },
    ]),
  );
  expect(locateProblems('{\n "servers": {\n  "a": 1 } }', [{ path: 'mcpServers.a', message: 'x' }])).toEqual([
    { path: 'mcpServers.a', message: 'x', line: 3, column: 3 },
  ]);
});
