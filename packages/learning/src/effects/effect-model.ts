import type { Model, ModelState } from '../model.ts';
import { readEffect, type DescribedTool, type Effect, type EffectReading } from './read-effect.ts';

/** An operator's word on a tool; `unknown` takes an earlier word back. */
export interface EffectVerdict {
  /** The tool with its upstream and version: a changed definition has to be judged anew. */
  readonly tool: string;
  readonly effect: Effect;
  readonly atMs: number;
}

export interface EffectModel extends Model<EffectVerdict> {
  /** What a tool is held for: by its operator's word, or else by what its server says of it. */
  readonly effectOf: (tool: string, described: DescribedTool) => EffectReading;
}

const codes: readonly Effect[] = ['unknown', 'read', 'write'];

/** Remembers what operators have said of tools. The latest word counts, also between gateways; the oldest words go first at the limit. */
export function createEffectModel({ maxTools = 10_000 }: { readonly maxTools?: number } = {}): EffectModel {
  const verdicts = new Map<string, readonly [atMs: number, code: number]>();

  const put = (tool: string, atMs: number, code: number): void => {
    verdicts.delete(tool);
    if (verdicts.size >= maxTools) {
      const [oldest] = [...verdicts].reduce((a, b) => (b[1][0] < a[1][0] ? b : a));
      verdicts.delete(oldest);
    }
    verdicts.set(tool, [atMs, code]);
  };

  return {
    name: 'effects',
    tables: [{ name: 'verdicts', columns: ['atMs', 'effect'], rule: 'latest' }],
    observe: ({ tool, effect, atMs }) => {
      const known = verdicts.get(tool);
      if (Number.isFinite(atMs) && (known === undefined || atMs > known[0])) put(tool, atMs, codes.indexOf(effect));
    },
    effectOf: (tool, described) => {
      const effect = codes[verdicts.get(tool)?.[1] ?? 0] ?? 'unknown';
      return effect === 'unknown' ? readEffect(described) : { effect, confidence: 1, reasons: ["an operator's word"] };
    },
    save: () => new Map([['verdicts', new Map([...verdicts].map(([tool, row]) => [tool, [...row]]))]]),
    load: (state: ModelState) => {
      verdicts.clear();
      for (const [tool, [atMs, code]] of state.get('verdicts') ?? []) if (atMs !== undefined && code !== undefined) put(tool, atMs, code);
    },
  };
}
