import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';

// What a definition says of special tokens is text like any other.
const AS_TEXT = { disallowedSpecial: new Set<string>() };
/** The tokenizer takes time with the square of the longest word; longer ones are counted in pieces, a token more or less for each. */
const LONG_WORD = /[\p{L}\p{M}]{200}|\s{200}|[^\p{L}\p{N}\s]{200}/gu;

/** Tokens of a text by o200k_base, read as text whatever it says. */
export function countTextTokens(text: string): number {
  let [tokens, from] = [0, 0];
  for (const { 0: word, index } of text.matchAll(LONG_WORD)) {
    tokens += countTokens(text.slice(from, index + word.length), AS_TEXT);
    from = index + word.length;
  }
  return tokens + countTokens(text.slice(from), AS_TEXT);
}
