import { createHash } from 'node:crypto';

/** Longest name every known client accepts. */
export const MAX_NAME_LENGTH = 64;

/** Tells whether a name consists of what every known client accepts: 1 to 64 letters, digits, underscores and dashes. */
export function isPortableName(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(name);
}

/**
 * Makes a name portable: other characters become underscores, and a name that is too long keeps its head and its tail
 * around eight digits of its hash, because the tail is what tells similar tools apart. The same name gives the same result.
 */
export function toPortableName(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_-]/g, '_');
  if (clean.length > 0 && clean.length <= MAX_NAME_LENGTH) return clean;
  const hash = hashOf(name);
  const room = MAX_NAME_LENGTH - hash.length - 2;
  const tail = Math.floor(room / 2);
  return clean.length === 0 ? `tool_${hash}` : `${clean.slice(0, room - tail)}_${hash}_${clean.slice(-tail)}`;
}

/** A name derived from `name` that stays the same for the same `seed`, for when the plain one is taken. */
export function toDistinctName(name: string, seed: string): string {
  return toPortableName(`${name.slice(0, MAX_NAME_LENGTH - 9)}_${hashOf(seed)}`);
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
