import { isObject, isSameJson, JsonNumber, stringifyJson } from '../wire/json.mjs';

/** Stands for a member that is not there. */
export const absent = Symbol('absent');

/** @typedef {{ pointer: string, direct: unknown, through: unknown }} Difference */

/**
 * Compares two values field by field.
 * @returns {Difference[]} One for each place where they part, with its JSON pointer.
 */
export function findDifferences(direct, through, pointer = '') {
  if (direct === through) return [];
  if (isObject(direct) && isObject(through)) {
    const keys = new Set([...Object.keys(direct), ...Object.keys(through)]);
    return [...keys].flatMap((key) => findDifferences(memberOf(direct, key), memberOf(through, key), `${pointer}/${escapeKey(key)}`));
  }
  if (Array.isArray(direct) && Array.isArray(through)) {
    const length = Math.max(direct.length, through.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      findDifferences(index in direct ? direct[index] : absent, index in through ? through[index] : absent, `${pointer}/${index}`),
    );
  }
  return isSameJson(direct, through) ? [] : [{ pointer, direct, through }];
}

/** A value on one short line. */
export function show(value) {
  if (value === absent || value === undefined) return 'absent';
  if (value instanceof JsonNumber) return value.text;
  // What is no JSON text in UTF-8 is still to be told from what is.
  const text = stringifyJson(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.length <= 100 ? text : `${text.slice(0, 80)}… (${text.length} characters)`;
}

const memberOf = (object, key) => (Object.hasOwn(object, key) && object[key] !== undefined ? object[key] : absent);
const escapeKey = (key) => key.replaceAll('~', '~0').replaceAll('/', '~1');
