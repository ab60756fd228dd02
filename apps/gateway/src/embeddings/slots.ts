/** The right to be in flight, for so many at once; who comes later waits in order. */
export interface Slots {
  /** @returns what gives the slot back. @throws the reason of `signal` when that ends the wait. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createSlots(max: number): Slots {
  const waiting = new Set<() => void>();
  let taken = 0;
  const release = (): void => {
    taken--;
    const [next] = waiting;
    next?.();
  };
  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        const enter = (): void => {
          waiting.delete(enter);
          signal.removeEventListener('abort', leave);
          taken++;
          resolve(release);
        };
        const leave = (): void => {
          waiting.delete(enter);
          reject(signal.reason as Error);
        };
        if (signal.aborted) return leave();
        if (taken < max) return enter();
        signal.addEventListener('abort', leave, { once: true });
        waiting.add(enter);
      }),
  };
}
