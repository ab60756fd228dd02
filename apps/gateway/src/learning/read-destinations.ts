import type { KeyedHash } from './keyed-hash.ts';

/** Of one call. */
const MAX_DESTINATIONS = 4;
const MAX_VALUES = 32;
const MAX_CHARS = 2_000;

const ADDRESS = /^\s*[a-z][a-z0-9+.-]*:\/\/(?:[^/?#\s@]*@)?(\[[0-9a-f:.]+\]|[^/?#\s:@]+)/i;
const MAIL = /^[^@\s<>]*(?:[^<>@]*<)?[^@\s<>]+@([a-z0-9-]+(?:\.[a-z0-9-]+)+)>?$/i;
const NUMBERS = /^[0-9.]+$|^\[/;

/**
 * Where arguments send something, or fetch it from: the hosts of addresses and the domains of mail, as far as an argument, or an item of
 * one, is nothing else. Keyed hashes, the same for the same place.
 */
export function readDestinations(args: Readonly<Record<string, unknown>> | undefined, hash: Pick<KeyedHash, 'text'>): string[] {
  if (args === undefined) return [];
  const found = new Set<string>();
  let left = MAX_VALUES;
  const look = (value: unknown, depth: number): void => {
    if (left-- <= 0 || found.size >= MAX_DESTINATIONS) return;
    if (typeof value === 'string') {
      const place = placeOf(value);
      if (place !== undefined) found.add(hash.text(place));
    } else if (typeof value === 'object' && value !== null && depth > 0)
      for (const inner of Array.isArray(value) ? value : Object.values(value)) look(inner, depth - 1);
  };
  for (const name in args) look(args[name], 1);
  return [...found];
}

function placeOf(text: string): string | undefined {
  // Most arguments are neither, which has to be told quickly.
  if (text.length > MAX_CHARS || (!text.includes('@') && !text.includes('://'))) return undefined;
  const host = (ADDRESS.exec(text) ?? MAIL.exec(text.trim()))?.[1];
  return host === undefined ? undefined : toDomain(host.toLowerCase());
}

// Hosts of one owner are one place. Two letters after a short label are a country with a second level, as in `co.uk`.
function toDomain(host: string): string {
  if (NUMBERS.test(host)) return host;
  const labels = host.split('.').filter((label) => label !== '');
  const isOfCountry = labels.at(-1)?.length === 2 && (labels.at(-2)?.length ?? 9) <= 3;
  return labels.slice(isOfCountry ? -3 : -2).join('.');
}
