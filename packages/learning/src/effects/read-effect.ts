import { headWriteVerbs, nounsBehindRead, readVerbs, writeVerbs } from './effect-words.ts';

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

  const writes = [...name.writes, ...description.writes, ...(description.denies ? [] : parameters)];
  if (name.effect === 'write') return { effect: 'write', confidence: hint === true ? 0.6 : 0.95, reasons: writes };
  if (writes.length > 0) {
    const sure = name.effect === 'unknown' && description.effect === 'write' && hint !== true;
    return { effect: sure ? 'write' : 'unknown', confidence: sure ? 0.8 : 0.3, reasons: writes };
  }
  const reads = [...name.reads, ...description.reads, ...(hint === true ? ['readOnlyHint'] : [])];
  if (hint === true) return { effect: 'read', confidence: reads.length > 1 ? 0.99 : 0.9, reasons: reads };
  if (description.denies) return { effect: 'read', confidence: 0.95, reasons: reads };
  if (name.effect === 'read') return { effect: 'read', confidence: description.effect === 'read' ? 0.95 : 0.85, reasons: reads };
  // Without a verb in the name, the first verb of the description must read.
  if (description.effect === 'read' && !name.doubtful) return { effect: 'read', confidence: 0.75, reasons: reads };
  return { effect: 'unknown', confidence: 0, reasons: reads };
}

interface WordReading {
  readonly effect: Effect;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

function readName(name: string): WordReading & { readonly doubtful: boolean } {
  const tokens = splitName(name);
  const reads: string[] = [];
  const writes: string[] = [];
  let head: Effect = 'unknown';
  let doubtful = false;
  for (const [place, token] of tokens.entries()) {
    const afterAnd = place > 0 && /^(and|or|then|with)$/.test(tokens[place - 1]!);
    if (token === 'check' && /^(in|out)$/.test(tokens[place + 1] ?? '')) {
      head = 'write';
      writes.push(`"check ${tokens[place + 1]}" in its name`);
    } else if (readVerbs.has(token) && head !== 'write') {
      // A reading verb behind a word that may be a verb itself, as in "mark as read", does not head the name.
      if (!doubtful) head = 'read';
      reads.push(`"${token}" in its name`);
    } else if (writeVerbs.has(token)) {
      if (head === 'read' && !afterAnd && nounsBehindRead.has(token)) continue;
      if (head === 'unknown') head = 'write';
      writes.push(`"${token}" in its name`);
    } else if (headWriteVerbs.has(token) && (place === 0 || afterAnd)) {
      // "order_status" and "run_speed_test" both begin with a word that may be a noun: neither effect is sure.
      if (afterAnd) writes.push(`"${token}" in its name`);
      else doubtful = true;
    } else if (isInflectedWrite(token) && head !== 'read') {
      doubtful = true;
    }
  }
  return { effect: writes.length > 0 && head === 'read' ? 'unknown' : head, reads, writes, doubtful };
}

function splitName(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((token) => token !== '');
}

const maxDescription = 4_000;
const denial =
  /\bread[- ]?only\b|\b(?:does|do|will) not (?:modify|change|alter|write|mutate)\b|\bwithout (?:modifying|changing|altering)\b|\bno side[- ]effects?\b/g;
const admission =
  /\bwrite operation\b|\bdestructive\b|\bside[- ]effects?\b|\birreversibl|\bpermanently\b|\bcannot be undone\b|\bhttp (?:put|post|patch|delete)\b|\bexplicit user confirmation\b|\bnot read[- ]?only\b|\b(?:reads?|read) (?:and|or) writes?\b/;

/** Words after which a verb in its base form stands: "will send", "to update", "and then delete". */
const verbAskers = new Set([
  'will',
  'to',
  'can',
  'then',
  'automatically',
  'also',
  'may',
  'and',
  'or',
  'must',
  'should',
  'lets',
  'you',
  'tool',
]);
/** Of these, the ones that a noun may follow as well. */
const nounAskers = new Set(['to', 'and', 'or', 'you', 'tool', 'then', 'also']);
const determiners = new Set(['a', 'all', 'an', 'any', 'each', 'every', 'it', 'its', 'the', 'their', 'them', 'these', 'this', 'your']);
const asides = new Set([
  'this',
  'tool',
  'it',
  'that',
  'which',
  'function',
  'use',
  'used',
  'for',
  'please',
  'be',
  'is',
  'when',
  'you',
  'want',
  'need',
  'a',
  'the',
  'allows',
  'can',
  'to',
]);

function readDescription(text: string): WordReading & { readonly denies: boolean } {
  const lower = text.slice(0, maxDescription).toLowerCase().replaceAll('’', "'");
  const admitted = admission.exec(lower.replaceAll(/\bno side[- ]effects?\b|\bnon-destructive\b/g, ' '));
  const denies = denial.test(lower) && admitted === null;
  denial.lastIndex = 0;
  const reads: string[] = denies ? ['its description denies changes'] : [];
  const writes: string[] = admitted === null ? [] : [`"${admitted[0]}" in its description`];
  let first: Effect = 'unknown';
  const plain = lower.replaceAll(denial, ' ').replaceAll(/\([^()]*\)/g, (aside) => `. ${aside.slice(1, -1)} .`);
  for (const sentence of plain.split(/[.!?;:\n]+/)) {
    const tokens = sentence.match(/[a-z']+|,/g) ?? [];
    const isNegated = /\b(?:not|never|cannot|without|instead of|don't|doesn't|before|after|once|if|unless)\b/.test(sentence);
    let atHead = true;
    for (const [place, token] of tokens.entries()) {
      const before = tokens[place - 1] ?? '';
      const base = toBase(token);
      if (atHead) {
        if (asides.has(token)) continue;
        atHead = false;
        // "Returns the balance" looks; "Return the item" may well be an order to the shop.
        if (readVerbs.has(base) || token === 'returns') {
          if (first === 'unknown') first = 'read';
          if (reads.length < 3) reads.push(`"${token}" in its description`);
          continue;
        }
        if (writeVerbs.has(base) || (headWriteVerbs.has(base) && first === 'unknown')) {
          if (first === 'unknown') first = 'write';
          if (!isNegated || first === 'write') writes.push(`"${token}" in its description`);
        }
        continue;
      }
      if (isNegated || !verbAskers.has(before)) continue;
      const isBase = writeVerbs.has(token);
      const isThirdPerson = !isBase && base !== token && writeVerbs.has(base);
      // "update history" may be a noun with its noun, "update the history" is a verb with its object.
      const mayBeNoun = nounAskers.has(before) && nounsBehindRead.has(base) && !determiners.has(tokens[place + 1] ?? '');
      if ((isBase || isThirdPerson) && !mayBeNoun) writes.push(`"${before} ${token}" in its description`);
    }
  }
  return { effect: writes.length > 0 && first === 'read' ? 'unknown' : first, reads, writes, denies };
}

/** "sends" and "creating" to "send" and "create"; a word that is neither stays as it is. */
function toBase(token: string): string {
  if (isVerb(token)) return token;
  for (const [ending, instead] of endings) {
    if (!token.endsWith(ending)) continue;
    const base = token.slice(0, -ending.length) + instead;
    if (isVerb(base)) return base;
  }
  return token;
}

const endings = [
  ['ies', 'y'],
  ['es', ''],
  ['s', ''],
  ['ing', ''],
  ['ing', 'e'],
  ['tting', 't'],
  ['nning', 'n'],
  ['pping', 'p'],
] as const;

const isVerb = (word: string): boolean => readVerbs.has(word) || writeVerbs.has(word) || headWriteVerbs.has(word);

function isInflectedWrite(token: string): boolean {
  const base = toBase(token);
  return base !== token && writeVerbs.has(base);
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
