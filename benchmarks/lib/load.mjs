import { cpuMicroseconds } from './processes.mjs';
import { quantile } from './statistics.mjs';

/**
 * Keeps every client busy, one call after the other, for a while.
 * @template Client
 * @param {Client[]} clients
 * @param {{ call: (client: Client) => Promise<void>, durationMs: number, pid?: number, pids?: number[] }} options
 *   `pid` is the process whose processor time is counted; `pids` are several that are counted together.
 */
export async function runLoad(clients, { call, durationMs, pid, pids = pid === undefined ? undefined : [pid] }) {
  const latencies = [];
  const cpuBefore = pids === undefined ? 0 : sumOfCpu(pids);
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  await Promise.all(
    clients.map(async (client) => {
      let sentAt = performance.now();
      while (sentAt < endsAt) {
        await call(client);
        const answeredAt = performance.now();
        latencies.push(answeredAt - sentAt);
        sentAt = answeredAt;
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    callsPerSecond: latencies.length / seconds,
    p50Us: quantile(latencies, 0.5) * 1000,
    p99Us: quantile(latencies, 0.99) * 1000,
    cpuUs: pids === undefined ? undefined : (sumOfCpu(pids) - cpuBefore) / latencies.length,
  };
}

function sumOfCpu(pids) {
  return pids.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0);
}

/** Opens `count` clients with `open`, some at a time. */
export async function openMany(count, open) {
  const clients = [];
  while (clients.length < count) {
    const batch = Math.min(16, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: batch }, () => open(clients.length)))));
  }
  return clients;
}

/** Tries until `attempt` returns something, and returns that. @throws Error when time runs out. */
export async function until(attempt, { timeoutMs, everyMs = 10 }) {
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (performance.now() > endsAt) throw new Error(`Nothing came of it in ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
