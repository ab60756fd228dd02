/** How a text reads without what carries no meaning: case, accents, spaces, punctuation, escapes that were written twice. */
export interface FoldedText {
  readonly text: string;
  readonly tokens: readonly string[];
  /** Every number with its sign and decimals, in order. Two texts whose numbers differ never mean the same. */
  readonly numbers: string;
}

/** @returns the folded reading of a text; the same text again when it is folded twice. */
export function foldText(text: string): FoldedText {
  const plain = unescape(text)
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .normalize('NFC');
  const numbers = (plain.match(/(?<![\p{L}\d])[-+]?\d+(?:[.,:/-]\d+)*|\d+/gu) ?? []).join(' ');
  const folded = plain
    .toLowerCase()
    .replaceAll(/(?<=\p{L})['’`´](?=\p{L})/gu, '')
    .replaceAll(/[\s.,_'"’‘“”`´:;!?()/\\-]+/g, ' ')
    .trim();
  return { text: folded, tokens: folded === '' ? [] : folded.split(' '), numbers };
}

/** "\\u00fa" that was escaped once too often, and doubled backslashes. */
function unescape(text: string): string {
  if (!text.includes('\\')) return text;
  return text
    .replaceAll(/\\+u([0-9a-fA-F]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/\\+/g, '\\');
}

/** The singular of an English noun, roughly: two plurals of one noun have one singular, and that is all it is for. */
export function toSingular(token: string): string {
  if (token.length < 4 || !/^[a-z]+$/.test(token)) return token;
  if (token.endsWith('ies')) return `${token.slice(0, -3)}y`;
  if (/(?:s|x|z|ch|sh)es$/.test(token)) return token.slice(0, -2);
  return token.endsWith('s') && !/(?:ss|us|is)$/.test(token) ? token.slice(0, -1) : token;
}
