import { describe, expect, test } from 'vitest';
import { fileURLToPath } from 'node:url';
import { allChecks, groups } from './checks/all.mjs';
import { compareWithKnown, isNamed, readKnownFailures } from './known.mjs';
import { runMatrix } from './run-matrix.mjs';
import { startGateway } from './targets/signalbox.mjs';

const known = await readKnownFailures(fileURLToPath(new URL('known-failures.txt', import.meta.url)));
// Enough for all 64 callers to be at it; the command line makes as many as it is told.
const calls = 1280;

describe.concurrent('Signalbox', () => {
  // Of handshake servers only modern clients over HTTP are among them: where clients that can be asked get a connection each,
  // no more of them than `isolation.max` are served at once, and the kit's server does not see them together.
  // Subscriptions of modern clients do not always come back in time after such a server restarts.
  const lasting = groups.filter((group) => group !== 'restart');
  for (const { server, transport, clients, only } of [
    { server: 'modern', transport: 'http', clients: ['modern', 'handshake'], only: groups },
    { server: 'modern', transport: 'stdio', clients: ['modern', 'handshake'], only: groups },
    { server: 'handshake', transport: 'http', clients: ['modern'], only: lasting },
  ]) {
    test(`is transparent to ${clients.join(' and ')} clients in front of a ${server} server over ${transport}, but for what is known`, async ({
      expect,
    }) => {
      const results = await runMatrix({ startGateway, servers: [server], transports: [transport], clients, only, calls });

      expect(compareWithKnown(results, known)).toEqual({ unexpected: [], stale: [] });
      expect(results).toHaveLength(clients.length);
    });
  }
});

test('every known failure names a check that exists', () => {
  const unknown = known.filter(({ group, name }) => !allChecks.some((check) => check.group === group && isNamed(name, check.name)));

  expect(unknown).toEqual([]);
});
