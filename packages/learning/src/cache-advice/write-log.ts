import type { CallFact } from './call-fact.ts';

const maxWriters = 500;

/** When each tool that may have changed something was called last. */
export function createWriteLog(): {
  readonly add: (write: Pick<CallFact, 'tool' | 'upstream' | 'atMs'>) => void;
  /** Tools called at or after a time, those of one upstream apart from all others. */
  readonly since: (of: { readonly upstream: string; readonly thenMs: number }) => {
    readonly own: readonly string[];
    readonly others: readonly string[];
  };
  readonly clear: () => void;
} {
  const latest = new Map<string, { readonly upstream: string; readonly atMs: number }>();
  return {
    add: ({ tool, upstream, atMs }) => {
      const known = latest.get(tool);
      latest.delete(tool);
      if (latest.size >= maxWriters) latest.delete(latest.keys().next().value!);
      latest.set(tool, { upstream, atMs: Math.max(atMs, known?.atMs ?? atMs) });
    },
    since: ({ upstream, thenMs }) => {
      const own: string[] = [];
      const others: string[] = [];
      for (const [tool, write] of latest) if (write.atMs >= thenMs) (write.upstream === upstream ? own : others).push(tool);
      return { own, others };
    },
    clear: () => latest.clear(),
  };
}
