import { openMany, runLoad } from './load.mjs';
import { McpClient } from './mcp-client.mjs';
import { alternate } from './rounds.mjs';

/**
 * Puts the same load on several addresses in turn.
 * @param {Map<string, { url: string, pid?: number, era?: 'handshake' | 'modern' }>} targets by variant; of those with a
 *   `pid` the processor time is counted.
 * @param {{ connections: number, call: (client: McpClient) => Promise<void>, quick: boolean }} options
 * @returns {Promise<import('./rounds.mjs').Samples>}
 */
export async function compareTargets(targets, { connections, call, quick }) {
  const clients = new Map();
  for (const [variant, { url, era }] of targets) {
    clients.set(variant, await openMany(connections, () => openClient({ url, era })));
    await runLoad(clients.get(variant), { call, durationMs: quick ? 300 : 1500 });
  }
  const measure = (variant) => runLoad(clients.get(variant), { call, durationMs: quick ? 250 : 600, pid: targets.get(variant).pid });
  const samples = await alternate([...targets.keys()], { rounds: quick ? 3 : 7, measure });
  for (const client of [...clients.values()].flat()) client.close();
  return samples;
}

/** Opens a session and resolves with its client. */
export async function openClient(options) {
  const client = new McpClient(options);
  await client.open();
  return client;
}

/** `1 connection`, `16 connections`. */
export function countConnections(connections) {
  return `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}
