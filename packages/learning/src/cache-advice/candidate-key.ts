import { articles, kindWords, units } from './compare-texts.ts';
import { foldText, toSingular } from './fold-text.ts';
import { hashOf } from './hash-of.ts';
import { withoutRegions } from './place-names.ts';
import { readMoment } from './read-moment.ts';

const maxParts = 500;

/**
 * A key under which to look for calls of the same tool that could answer for this one. It is made of the numbers and truths in the
 * arguments, which must agree anyway, and of the letters that stay in a text whatever its spelling or number. Calls that differ by more,
 * such as words or arguments that one of them has and the other has not, may be comparable and have different keys.
 */
export function candidateKey(args: unknown): string {
  const parts: string[] = [];
  collect(args, parts);
  return hashOf(parts.toSorted().join('\u0000'));
}

function collect(value: unknown, parts: string[]): void {
  // An explicit stack, since arguments may be nested deeper than calls can be.
  const left: [name: string, value: unknown][] = [['', value]];
  while (left.length > 0 && parts.length < maxParts) {
    const [name, next] = left.pop()!;
    if (typeof next === 'string') add(parts, name, keyOfText(next));
    else if (typeof next === 'number' || typeof next === 'boolean') add(parts, name, String(next));
    else if (Array.isArray(next)) for (const item of next.slice(0, maxParts)) left.push([name, item]);
    else if (typeof next === 'object' && next !== null) left.push(...Object.entries(next).slice(0, maxParts));
  }
}

function keyOfText(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  if (/^(?:true|false)$/i.test(trimmed)) return trimmed.toLowerCase();
  const moment = readMoment(trimmed);
  if (moment !== undefined) return moment;
  const { text: folded, tokens, numbers } = foldText(withoutRegions(trimmed));
  const letters = lettersOf(units.has(folded) ? [units.get(folded)!] : tokens);
  return letters === '' ? numbers : `${numbers}:${letters}`;
}

/** What is left of words without spaces, vowels, and what endings and contractions add or take. */
function lettersOf(tokens: readonly string[]): string {
  let hash = 0;
  for (const token of tokens) {
    if (articles.has(token) || kindWords.has(toSingular(token))) continue;
    for (let index = 0; index < token.length; index++) {
      const code = token.charCodeAt(index);
      if (!isPassedOver[code]) hash = Math.imul(hash ^ code, 0x9e37_79b1) + 1;
    }
  }
  return hash === 0 ? '' : hash.toString(36);
}

const isPassedOver: Readonly<Record<number, true>> = Object.fromEntries(
  [...'aeiouyhs0123456789'].map((letter) => [letter.charCodeAt(0), true] as const),
);

/** An argument that is left out often stands for these. */
function add(parts: string[], name: string, part: string): void {
  if (part !== '' && part !== 'false' && part !== '0') parts.push(`${name}=${part}`);
}
