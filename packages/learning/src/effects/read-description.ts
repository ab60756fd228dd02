import {
  describingVerbs,
  headWriteVerbs,
  nounsBehindRead,
  readVerbs,
  shapingVerbs,
  toBase,
  writeVerbs,
  type WordReading,
} from './effect-words.ts';

export interface DescriptionReading extends WordReading {
  /** It says in so many words that nothing is changed. */
  readonly isDenying: boolean;
}

/** What the description of a tool says: by the verbs that head its sentences, and by verbs where only a verb can stand. */
export function readDescription(text: string): DescriptionReading {
  const lower = text.slice(0, maxDescription).toLowerCase().replaceAll('’', "'");
  const admitted = admission.exec(lower.replaceAll(/\bno side[- ]effects?\b|\bnon-destructive\b/g, ' '));
  const isDenying = denial.test(lower) && admitted === null;
  const reads: string[] = isDenying ? ['its description denies changes'] : [];
  const writes: string[] = admitted === null ? [] : [`"${admitted[0]}" in its description`];
  let first: WordReading['effect'] = 'unknown';
  let hasBegun = false;
  const plain = lower
    .replaceAll(weakDenial, ' ')
    .replaceAll(/\bread[- ]?only\b/g, ' ')
    .replaceAll(/\([^()]*\)/g, (aside) => (isTelling(aside) ? `. ${aside.slice(1, -1)} .` : ' '));
  for (const sentence of plain.split(/[.!?;:\n]+/)) {
    const clauses = readClauses(sentence, first === 'unknown');
    const { head } = clauses;
    if (head !== undefined) {
      const effect = effectOfHead(head, { sentence, isFirst: first === 'unknown' });
      // "Manages accounts. Returns the new balance." begins with a word of which nothing is known, and so nothing is known of it.
      if (first === 'unknown' && (effect === 'write' || !hasBegun)) first = effect;
      hasBegun = true;
      if (effect === 'read' && reads.length < 3) reads.push(`"${head}" in its description`);
      if (effect === 'write') writes.push(`"${head}" in its description`);
    }
    for (const found of clauses.writes) writes.push(`"${found}" in its description`);
  }
  return { effect: writes.length > 0 && first === 'read' ? 'unknown' : first, reads, writes, isDenying };
}

const maxDescription = 4_000;
/** Clear words that nothing changes, of the tool and not of a thing that it speaks of. */
const denial =
  /\(read[- ]?only\)|(?:^|[.;\n]\s*)read[- ]?only(?: operation| tool)?\s*(?:[.;\n]|$)|\bis (?:a )?read[- ]?only\b|\bread[- ]?only (?:operation|tool)\b|\bno side[- ]effects?\b/;
const weakDenial =
  /\b(?:does|do|will) not (?:modify|change|alter|write|mutate)\b|\bwithout (?:modifying|changing|altering|creating)\b|\bno side[- ]effects?\b/g;
const admission =
  /\bwrite operation\b|\bdestructive\b|\bside[- ]effects?\b|\birreversibl|\bpermanently\b|\bcannot be undone\b|\bhttp (?:put|post|patch|delete)\b|\bexplicit user confirmation\b|\bnot read[- ]?only\b|\breads? (?:and|or) writes?\b/;

/** Words before the verb that heads a sentence. */
const asides = new Set(
  'this tool it that function use used for please perform performs be is you want need a the allows can to simply'.split(' '),
);
/** Words behind which a verb stands that says what is done. */
const askers = new Set(['will', 'then', 'automatically', 'also', 'and', 'or', ',']);
/** Words behind which it may as well be what something is for, or what someone else may do. */
const purposeAskers = new Set(['to', 'can', 'may', 'must', 'should', 'you', 'lets']);
const determiners = new Set('a all an any each every it its the their them these this your'.split(' '));
/** Words that begin a clause about something else, up to the next comma. */
const subordinating = new Set('if unless before after once when whether that which where who until because while'.split(' '));
const negating = new Set(['not', 'never', 'cannot', 'without', 'instead', "don't", "doesn't", "won't", 'rather']);

interface Clauses {
  readonly head: string | undefined;
  readonly writes: readonly string[];
}

/** An aside counts where it says what is done: "(deletes the old one)", and not "(download speed)". */
const isTelling = (aside: string): boolean =>
  (aside.match(/[a-z']+/g) ?? []).some((token) => toBase(token) !== token && writeVerbs.has(toBase(token)));

function readClauses(sentence: string, isFirst: boolean): Clauses {
  const tokens = sentence.match(/[a-z']+|,/g) ?? [];
  const writes: string[] = [];
  let head: string | undefined;
  let isAside = false;
  let isNegated = false;
  for (const [place, token] of tokens.entries()) {
    if (token === ',') isAside = false;
    else if (subordinating.has(token) && !(head === undefined && asides.has(token))) isAside = true;
    else if (negating.has(token)) isNegated = true;
    else if (head === undefined && !isAside) {
      if (asides.has(token) || token.endsWith('ly')) continue;
      head = isNegated ? undefined : token;
      if (isNegated) break;
    } else if (!isAside && !isNegated && isDone(tokens, { place, head: isFirst ? head : undefined })) {
      writes.push(`${tokens[place - 1]} ${token}`);
    }
  }
  return { head, writes };
}

/**
 * Whether a word inside a sentence says that something is done.
 * @param at.head The sentence's first verb or noun, where it is the first sentence; the others may speak of someone else.
 */
function isDone(tokens: readonly string[], { place, head }: { readonly place: number; readonly head: string | undefined }): boolean {
  const token = tokens[place]!;
  const before = tokens[place - 1]!;
  if (before === 'be' && tokens[place - 2] === 'will') return isParticiple(token);
  const base = toBase(token);
  const hasObject = determiners.has(tokens[place + 1] ?? '');
  if (headWriteVerbs.has(base)) return hasObject && (before === 'and' || (before === ',' && token.endsWith('ing')));
  if (!writeVerbs.has(base)) return false;
  // Behind a reading head "to connect" says what the thing read is for.
  const isPurpose = purposeAskers.has(before) && head !== undefined && !looks(head);
  if (!askers.has(before) && !isPurpose) return false;
  if (before === ',') return base !== token && (token.endsWith('ing') ? hasObject : true);
  // "update history" may be a noun with its noun, "update the history" is a verb with its object.
  return !nounsBehindRead.has(base) || before === 'will' || hasObject;
}

const looks = (head: string): boolean => readVerbs.has(toBase(head)) || describingVerbs.has(toBase(head));

function isParticiple(token: string): boolean {
  if (!token.endsWith('ed')) return token === 'sent' || token === 'written' || token === 'reset' || token === 'set';
  const stem = token.slice(0, -2);
  return [stem, `${stem}e`, stem.slice(0, -1), `${stem.slice(0, -1)}y`].some((base) => writeVerbs.has(base));
}

function effectOfHead(
  head: string,
  { sentence, isFirst }: { readonly sentence: string; readonly isFirst: boolean },
): WordReading['effect'] {
  const base = toBase(head);
  // Behind the first sentence "Set `limit` to 10" and "Accepts a list" speak of arguments.
  if (!isFirst && (base === 'set' || base === 'accept')) return 'unknown';
  if (readVerbs.has(base)) return 'read';
  if (/^(?:capture|take) (?:a |an )?(?:screenshot|(?:accessibility |page |screen )snapshot)/.test(sentence.trim())) return 'read';
  // "Returns the balance" looks; "Return the item" may well be an order to the shop.
  if (describingVerbs.has(base)) return base === head ? 'unknown' : 'read';
  if (shapingVerbs.has(base))
    return /\b(?:files?|documents?|docx?|pdfs?|images?|videos?|audio|paths?|folders?|saved?|outputs?|databases?|tables?)\b/.test(sentence)
      ? 'unknown'
      : 'read';
  return writeVerbs.has(base) || (headWriteVerbs.has(base) && isFirst) ? 'write' : 'unknown';
}
