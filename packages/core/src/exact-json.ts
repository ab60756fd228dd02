// What may not come out of JSON.parse and JSON.stringify as it went in: numbers of more digits than a double holds, with
// exponents, with zeros at the end of a fraction, or a negative zero.
const INEXACT = /\d[eE][+-]?\d|\d[\d.]{15}|\.\d*0(?!\d)|-0\b/;

const texts = new WeakMap<object, string>();

/**
 * Remembers the JSON text a value was read from, where writing the value again might give another. The text goes when the
 * value does.
 */
export function keepExactText(value: object, text: string): void {
  if (INEXACT.test(text)) texts.set(value, text);
}

/** The JSON text of a value: the one it was read from where that was kept, otherwise written anew. */
export function exactJson(value: object): string {
  return texts.get(value) ?? JSON.stringify(value);
}

/** Tells whether the text a value was read from was kept. */
export function hasExactText(value: object): boolean {
  return texts.has(value);
}
