import { foldText } from './fold-text.ts';
import { hashOf } from './hash-of.ts';
import { readMoment } from './read-moment.ts';

const maxParts = 500;

/**
 * A key under which to look for calls of the same tool that could answer for this one: whatever `compareArguments` finds comparable,
 * with nothing left out in either, has the same. It is made of the numbers and truths in the arguments, which must agree anyway.
 */
export function candidateKey(args: unknown): string {
  const parts: string[] = [];
  collect(args, parts);
  return hashOf(parts.toSorted().join('\u0000'));
}

function collect(value: unknown, parts: string[]): void {
  // An explicit stack, since arguments may be nested deeper than calls can be.
  const left: unknown[] = [value];
  while (left.length > 0 && parts.length < maxParts) {
    const next = left.pop();
    if (typeof next === 'string') add(parts, keyOfText(next));
    else if (typeof next === 'number' || typeof next === 'boolean') parts.push(String(next));
    else if (typeof next === 'object' && next !== null) left.push(...Object.values(next).slice(0, maxParts));
  }
}

function keyOfText(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  if (/^(?:true|false)$/i.test(trimmed)) return trimmed.toLowerCase();
  return readMoment(trimmed) ?? foldText(trimmed).numbers;
}

/** A text without numbers says nothing here, whether it is there or not. */
function add(parts: string[], part: string): void {
  if (part !== '') parts.push(part);
}
