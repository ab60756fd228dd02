import * as fc from 'fast-check';
import { findNodeAtLocation, getNodeValue, type Node } from 'jsonc-parser';
import { parse as parseToml, stringify as stringifyToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { parseJsonText } from '../config-file/json-text.ts';
import { CLIENTS, type ClientId } from './clients.ts';
import { planConnection } from './connect-client.ts';

const address = { url: 'http://127.0.0.1:7420/mcp', binPath: '/opt/bin/signalbox', configPath: '/etc/signalbox.json' };
const fileOf = (client: ClientId, text: string | undefined) =>
  ({ client, path: '/x', format: client === 'codex' ? 'toml' : 'json', text }) as const;

test.each([
  ['claude-code', { mcpServers: { signalbox: { type: 'http', url: address.url } } }],
  ['claude-desktop', { mcpServers: { signalbox: { command: '/opt/bin/signalbox', args: ['stdio', '--config', '/etc/signalbox.json'] } } }],
  ['cursor', { mcpServers: { signalbox: { url: address.url } } }],
  ['vscode', { servers: { signalbox: { type: 'http', url: address.url } } }],
  ['windsurf', { mcpServers: { signalbox: { serverUrl: address.url } } }],
  ['codex', { mcp_servers: { signalbox: { url: address.url } } }],
  ['gemini-cli', { mcpServers: { signalbox: { httpUrl: address.url } } }],
  ['zed', { context_servers: { signalbox: { url: address.url } } }],
] as const)('%s gets an entry in its own form, and none the second time', (client, expected) => {
  const { connection, change } = planConnection(fileOf(client, undefined), address);
  expect(connection.action).toBe('add');
  expect(client === 'codex' ? parseToml(change!.after) : JSON.parse(change!.after)).toEqual(expected);
  const again = planConnection(fileOf(client, change!.after), address);
  expect(again).toEqual({
    connection: { client, file: '/x', action: 'skip', reason: 'it uses Signalbox already, as "signalbox"', diff: '' },
  });
});

test('comments, order and trailing commas of a file stay, and its secrets are not shown', () => {
  const text =
    '// Zed\n{\n  "theme": "x", // mine\n  "context_servers": {\n    "a": { "command": "x", "env": { "A_TOKEN": "very-secret-value" } }, // first\n  },\n  "z": 1,\n}\n';
  const { connection, change } = planConnection(fileOf('zed', text), address);
  const inserted = `\n    "signalbox": {\n      "url": "${address.url}"\n    },`;
  expect(change!.after).toBe(text.replace('// first', `// first${inserted}`));
  expect(connection.diff).not.toContain('very-secret');
  expect(connection.diff).toContain('+    "signalbox": {');
});

test('an entry of our name that leads elsewhere is not overwritten', () => {
  const { connection, change } = planConnection(fileOf('cursor', '{"mcpServers":{"signalbox":{"url":"https://elsewhere"}}}'), address);
  expect(connection).toMatchObject({
    action: 'skip',
    reason: 'it has an entry "signalbox" that leads elsewhere; change or remove it first',
  });
  expect(change).toBeUndefined();
});

test.each([
  ['cursor', '{ "mcpServers": '],
  ['cursor', '{ "mcpServers": [] }'],
  ['codex', 'mcp_servers = { a = { command = "x" } }\n'],
  ['codex', 'a = \n'],
] as const)('a file of %s that cannot be edited safely, %j, is left to its owner', (client, text) => {
  const { connection, change } = planConnection(fileOf(client, text), address);
  expect(connection).toMatchObject({ action: 'skip', reason: expect.stringMatching(/; add the entry by hand$/) });
  expect(change).toBeUndefined();
});

test('a TOML file is only appended to, in its own line ends', () => {
  const { change } = planConnection(fileOf('codex', '# mine\r\n[mcp_servers.a]\r\ncommand = "x" # here'), address);
  expect(change!.after).toBe(
    `# mine\r\n[mcp_servers.a]\r\ncommand = "x" # here\r\n\r\n[mcp_servers.signalbox]\r\nurl = "${address.url}"\r\n`,
  );
});

describe('for any file of a client', () => {
  const key = fc.stringMatching(/^[A-Za-z0-9_ .$-]{1,12}$/).filter((key) => key !== 'signalbox' && !/^mcp|^servers$|^context/.test(key));
  const value = fc.jsonValue({ maxDepth: 1 });
  const comment = fc.stringMatching(/^[A-Za-z0-9 ,{}[\]":]{0,20}$/);
  const servers = fc.dictionary(key, fc.dictionary(key, value, { maxKeys: 4 }), { maxKeys: 4, noNullPrototype: true });
  const file = fc.record({ before: fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true }), servers, after: value, comment });

  test.each(CLIENTS.filter(({ id }) => id !== 'codex'))('no key or comment of $title is dropped', (client) => {
    fc.assert(
      fc.property(file, ({ before, servers, after, comment }) => {
        const group = client.serversPath[0]!;
        const json = JSON.stringify({ ...before, [group]: servers, 'zz-after': after }, null, 2);
        // A comment behind every second line, and one above all.
        const text = `/* ${comment} */\n${json
          .split('\n')
          .map((line, index) => (index % 2 === 0 ? `${line} // ${comment}` : line))
          .join('\n')}\n`;
        const { change } = planConnection(fileOf(client.id, text), address);
        const { root, syntaxErrors } = parseJsonText(change!.after);
        expect(syntaxErrors).toEqual([]);
        const expected: unknown = JSON.parse(
          JSON.stringify({ ...before, [group]: { ...servers, signalbox: client.toEntry(address) }, 'zz-after': after }),
        );
        expect(getNodeValue(root!)).toEqual(expected);
        const rest = withoutEntry(change!.after, root!, [group, 'signalbox']);
        // Nothing but the entry, its line and a comma is new; in an object that was empty, the blanks may be too.
        const isAsBefore =
          Object.keys(servers).length > 0 ? isSameButOneComma(rest, text) : rest.replace(/\s/g, '') === text.replace(/\s/g, '');
        expect(isAsBefore).toBe(true);
      }),
    );
  });

  test('a TOML file begins with all it had', () => {
    const toml = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
      maxKeys: 4,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(
        toml,
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), toml, { noNullPrototype: true }),
        comment,
        (top, servers, comment) => {
          const text = `# ${comment}\n${stringifyToml({ ...top, mcp_servers: servers })}\n# end ${comment}`;
          const { change } = planConnection(fileOf('codex', text), address);
          expect(change!.after.startsWith(text)).toBe(true);
          const { mcp_servers: after, ...rest } = parseToml(change!.after);
          expect({ ...rest }).toEqual({ ...top });
          expect(after).toEqual({ ...servers, signalbox: { url: address.url } });
        },
      ),
    );
  });
});

function withoutEntry(text: string, root: Node, path: string[]): string {
  const { offset, length } = findNodeAtLocation(root, path)!.parent!;
  return text.slice(0, offset).replace(/\r?\n[ \t]*$/, '') + text.slice(offset + length);
}

function isSameButOneComma(edited: string, text: string): boolean {
  let index = 0;
  while (index < text.length && edited[index] === text[index]) index++;
  return edited[index] === ',' && edited.slice(0, index) + edited.slice(index + 1) === text;
}
