import { headWriteVerbs, nounsBehindRead, readVerbs, shapingVerbs, toBase, writeVerbs, type WordReading } from './effect-words.ts';

/** What the name of a tool says. `isDoubtful` where it begins with what may be a verb of writing or a noun. */
export function readName(name: string): WordReading & { readonly isDoubtful: boolean; readonly isShaping: boolean } {
  const tokens = splitName(name);
  const reads: string[] = [];
  const writes: string[] = [];
  let head: WordReading['effect'] = 'unknown';
  let isDoubtful = false;
  let isShaping = false;
  for (const [place, token] of tokens.entries()) {
    const isJoined = place > 0 && joining.test(tokens[place - 1]!);
    if (token === 'check' && /^(?:in|out)$/.test(tokens[place + 1] ?? '')) {
      if (head === 'unknown') head = 'write';
      writes.push(`"check ${tokens[place + 1]}" in its name`);
    } else if (place === 0 && tokens.length > 1 && asking.has(token)) {
      // "can_send" and "is_open" ask; what follows is what they ask about.
      reads.push(`"${token}" in its name`);
      return { effect: 'read', reads, writes, isDoubtful, isShaping };
    } else if (readVerbs.has(token) && head !== 'write') {
      // A reading verb behind a word that may be a verb itself, as in "mark as read", does not head the name.
      if (!isDoubtful) head = 'read';
      reads.push(`"${token}" in its name`);
    } else if (writeVerbs.has(token)) {
      if (head === 'read' && !isJoined && nounsBehindRead.has(token)) continue;
      if (head === 'unknown') head = 'write';
      writes.push(`"${token}" in its name`);
    } else if (headWriteVerbs.has(token) && (place === 0 || isJoined)) {
      // "order_status" and "run_speed_test" both begin with a word that may be a noun: neither effect is sure.
      if (isJoined) writes.push(`"${token}" in its name`);
      else isDoubtful = true;
    } else if (shapingVerbs.has(token)) {
      isShaping = true;
    } else if (head !== 'read' && isInflectedWrite(token)) {
      isDoubtful = true;
    }
  }
  return { effect: writes.length > 0 && head === 'read' ? 'unknown' : head, reads, writes, isDoubtful, isShaping };
}

const joining = /^(?:and|or|then|with)$/;
const asking = new Set(['can', 'is', 'has', 'are', 'does']);
const maxName = 300;

function splitName(name: string): string[] {
  return name
    .slice(0, maxName)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((token) => token !== '');
}

function isInflectedWrite(token: string): boolean {
  const base = toBase(token);
  return base !== token && writeVerbs.has(base) && !nounsBehindRead.has(base);
}
