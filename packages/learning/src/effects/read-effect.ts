import { readDescription } from './read-description.ts';
import { readName } from './read-name.ts';

export type Effect = 'read' | 'write' | 'unknown';

/** What a server says of a tool, as `tools/list` gives it. All of it is a claim of an untrusted party. */
export interface DescribedTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema?: unknown;
  readonly annotations?:
    | {
        readonly title?: string | undefined;
        readonly readOnlyHint?: boolean | undefined;
        readonly destructiveHint?: boolean | undefined;
      }
    | undefined;
}

export interface EffectReading {
  readonly effect: Effect;
  /** From 0, nothing is known, to 1; not a probability of being right. */
  readonly confidence: number;
  /** What spoke for it, most telling first, for people. */
  readonly reasons: readonly string[];
}

/**
 * Holds a tool for reading or writing by what its server says of it. A write taken for a read is the error that must not happen, so one
 * word of writing outweighs all words of reading, and where words disagree the answer is `unknown`. A claim of `readOnlyHint` alone
 * does not outweigh a word of writing either.
 */
export function readEffect(tool: DescribedTool): EffectReading {
  const name = readName(tool.name);
  const description = readDescription(tool.description ?? '');
  const parameters = readParameters(tool.inputSchema);
  const hint = tool.annotations?.readOnlyHint;
  if (hint === false || tool.annotations?.destructiveHint === true) return { effect: 'write', confidence: 1, reasons: ['its annotations'] };

  const writes = [...name.writes, ...description.writes, ...(description.isDenying ? [] : parameters)];
  if (name.effect === 'write') return { effect: 'write', confidence: hint === true ? 0.6 : 0.95, reasons: writes };
  if (writes.length > 0) {
    const sure = name.effect === 'unknown' && description.effect === 'write' && hint !== true;
    return { effect: sure ? 'write' : 'unknown', confidence: sure ? 0.8 : 0.3, reasons: writes };
  }
  const reads = [...name.reads, ...description.reads, ...(hint === true ? ['readOnlyHint'] : [])];
  if (hint === true) return { effect: 'read', confidence: reads.length > 1 ? 0.99 : 0.9, reasons: reads };
  if (description.isDenying && !name.isDoubtful) return { effect: 'read', confidence: 0.95, reasons: reads };
  if (name.effect === 'read') return { effect: 'read', confidence: description.effect === 'read' ? 0.95 : 0.85, reasons: reads };
  // Without a verb in the name, the first verb of the description must read.
  if (description.effect === 'read' && !name.isDoubtful) return { effect: 'read', confidence: 0.75, reasons: reads };
  return { effect: 'unknown', confidence: 0, reasons: reads };
}

/** Parameters that only something that changes has, or something that does what it is told. */
const tellingParameters =
  /^(?:overwrite|force|dry_?run|idempotency_?key|new_?(?:name|value|content|path|title)|commit_?message|confirm(?:ed|ation)?|sql|statement|command|script|code|(?:output|out|save|dest|destination)_?(?:file|path|dir|directory|folder|file_?name)?)$/i;

function readParameters(schema: unknown): string[] {
  const properties = (schema as { readonly properties?: unknown } | undefined)?.properties;
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.keys(properties)
    .slice(0, 200)
    .filter((name) => tellingParameters.test(name))
    .map((name) => `its argument "${name}"`);
}
