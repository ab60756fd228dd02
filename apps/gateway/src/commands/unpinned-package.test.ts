import { expect, test } from 'vitest';
import { unpinnedPackage } from './unpinned-package.ts';

test.each([
  [['npx', '-y', '@scope/server'], '@scope/server'],
  [['npx', '-y', '@scope/server@latest'], '@scope/server@latest'],
  [['npx', 'server@^1.2.0'], 'server@^1.2.0'],
  [['npx.cmd', '--yes', 'server'], 'server'],
  [['/usr/bin/npx', '--package=server', 'run-it'], 'server'],
  [['npm', 'exec', '--', 'server'], 'server'],
  [['pnpm', 'dlx', 'server@next'], 'server@next'],
  [['uvx', '--from', 'mcp-server-time', 'time'], 'mcp-server-time'],
  [['uvx', '--python', '3.12', 'mcp-server-time'], 'mcp-server-time'],
  [['npx', 'github:owner/repo'], 'github:owner/repo'],
])('%j fetches %s anew at each start', ([command, ...args], expected) => {
  expect(unpinnedPackage(command!, args)).toBe(expected);
});

test.each([
  [['npx', '-y', '@scope/server@1.2.3']],
  [['npx', 'server@2.0.0-beta.1']],
  [['uvx', 'mcp-server-time==2025.9.25']],
  [['uvx', 'mcp-server-time@2025.9.25']],
  [['npx', './server.tgz']],
  [['npx', 'github:owner/repo#0123abcd']],
  [['npm', 'run', 'server']],
  [['node', 'server.js']],
  [['npx']],
])('%j always runs the same code, or fetches nothing', ([command, ...args]) => {
  expect(unpinnedPackage(command!, args)).toBeUndefined();
});
