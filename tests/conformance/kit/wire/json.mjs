/**
 * JSON that loses nothing: a number that a double cannot hold stays the digits it was written in, and a key may be
 * called anything. `JSON.parse` would hide exactly the changes this kit looks for.
 */

/** A number that a double cannot hold, kept as its digits. */
export class JsonNumber {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/** A value that is written as it is; whoever makes one vouches that it is JSON. */
export class JsonText {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

// Whatever matches may lose something in JSON.parse; all else takes that faster way.
const delicate = /[\d.]{16}|\d[eE][-+\d]|__proto__/;

/**
 * Reads a text of JSON.
 * @param {string} text
 * @throws SyntaxError
 */
export function parseJson(text) {
  return delicate.test(text) ? new Parser(text).parse() : JSON.parse(text);
}

/** Writes a value as JSON; members that are `undefined` are left out. */
export function stringifyJson(value) {
  if (value instanceof JsonNumber || value instanceof JsonText) return value.text;
  if (Array.isArray(value)) return `[${value.map((each) => stringifyJson(each ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${stringifyJson(member)}`).join(',')}}`;
}

/** @returns {value is Record<string, any>} */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** Whether two values are the same JSON: the order of members and the spelling of a number do not count. */
export function isSameJson(one, other) {
  if (one === other) return true;
  if (isNumber(one) && isNumber(other)) return canonical(digitsOf(one)) === canonical(digitsOf(other));
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((each, index) => isSameJson(each, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && isSameJson(one[key], other[key]));
}

const isNumber = (value) => typeof value === 'number' || value instanceof JsonNumber;
const digitsOf = (value) => (value instanceof JsonNumber ? value.text : String(value));

/** One spelling for all spellings of a number: `1.0`, `10e-1` and `1` are one. */
function canonical(text) {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? ['', '', text];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length)}`;
}

class Parser {
  #text;
  #at = 0;

  constructor(text) {
    this.#text = text;
  }

  parse() {
    // The strict parser refuses what is no JSON, so that ours only has to read what is.
    JSON.parse(this.#text);
    return this.#value();
  }

  #value() {
    this.#skipSpace();
    const character = this.#text[this.#at];
    if (character === '{') return this.#object();
    if (character === '[') return this.#array();
    if (character === '"') return this.#string();
    const [literal] = this.#match(/[^\s,\]}]+/y);
    return literal === 'true' ? true : literal === 'false' ? false : literal === 'null' ? null : toNumber(literal);
  }

  #object() {
    // Without a prototype a key called `__proto__` is a key like any other.
    const result = Object.create(null);
    this.#at++;
    for (;;) {
      this.#skipSpace();
      if (this.#take('}')) return result;
      const key = this.#string();
      this.#skipSpace();
      this.#at++;
      result[key] = this.#value();
      this.#skipSpace();
      this.#take(',');
    }
  }

  #array() {
    const result = [];
    this.#at++;
    for (;;) {
      this.#skipSpace();
      if (this.#take(']')) return result;
      result.push(this.#value());
      this.#skipSpace();
      this.#take(',');
    }
  }

  #string() {
    return JSON.parse(this.#match(/"(?:[^"\\]|\\.)*"/y)[0]);
  }

  #take(character) {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #skipSpace() {
    this.#match(/\s*/y);
  }

  #match(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    this.#at = pattern.lastIndex;
    return found;
  }
}

function toNumber(text) {
  const value = Number(text);
  return Number.isFinite(value) && canonical(String(value)) === canonical(text) ? value : new JsonNumber(text);
}
