import { setTimeout as pause } from 'node:timers/promises';

/**
 * Looks again and again until `look` returns something, and returns that. For what another process does in its own time.
 * @throws Error naming `what` when that does not happen within `withinMs`, by default 10 seconds.
 */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { withinMs = 10_000, everyMs = 25 }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(everyMs);
  }
  throw new Error(`Waited ${withinMs} ms in vain: ${what}`);
}
