import { foldText, toSingular } from './fold-text.ts';
import { isSameWithRegion, readPlace } from './place-names.ts';
import { readMoment } from './read-moment.ts';

/**
 * How two texts differ.
 * - `spelling`: case, accents, spaces, punctuation, escapes written twice. `code case`: case alone, in what looks like a code or a path.
 * - `moment`: one day or time of day in two notations. `region`: "TX" and "Texas" behind a place. `unit`: "km" and "kilometers".
 * - `article`, `plural`, `contraction`: those alone. `locality`: one names the region of the place as well.
 * - `kind word`: one says in addition what kind of thing it is, "Regal Theater". `word order`, `more words`, `acronym`: as they say.
 */
export type TextEdit =
  | 'spelling'
  | 'code case'
  | 'moment'
  | 'region'
  | 'unit'
  | 'article'
  | 'plural'
  | 'contraction'
  | 'locality'
  | 'kind word'
  | 'word order'
  | 'more words'
  | 'acronym';

/** @returns `undefined` when numbers, negations or names differ: then no evidence will make the one answer for the other. */
export function compareTexts(a: string, b: string): TextEdit | undefined {
  const moment = readMoment(a);
  // A day or a time and something else that only looks like it, "5 pm" and "5", are two things.
  if (moment !== readMoment(b)) return undefined;
  if (moment !== undefined) return 'moment';
  const one = foldText(a);
  const other = foldText(b);
  if (one.numbers !== other.numbers || negationsOf(a) !== negationsOf(b)) return undefined;
  if (one.text === other.text) return a.toLowerCase() === b.toLowerCase() && !isProse(a) ? 'code case' : 'spelling';
  if (units.has(one.text) && units.get(one.text) === units.get(other.text)) return 'unit';
  const [place, otherPlace] = [readPlace(a), readPlace(b)];
  if (place.length > 1 && place.length === otherPlace.length && place.join() === otherPlace.join()) return 'region';
  if (isSameWithRegion(place, otherPlace)) return 'locality';
  return compareTokens(one.tokens, other.tokens);
}

export const articles = new Set(['a', 'an', 'the']);
/** What a thing is, said behind or before its name. */
export const kindWords = new Set(
  `airport app bank band brand channel church cinema city club company corp corporation county district film group hotel inc island library
  limited llc ltd mall metro movie museum music park project province region restaurant river school shop song station store street theater
  theatre tool town village`.split(/\s+/),
);

function compareTokens(all: readonly string[], allOther: readonly string[]): TextEdit | undefined {
  const one = all.filter((token) => !articles.has(token));
  const other = allOther.filter((token) => !articles.has(token));
  if (one.length === 0 || other.length === 0) return undefined;
  if (one.join(' ') === other.join(' ')) return 'article';
  if (one.join('') === other.join('')) return 'spelling';
  if (one.length === other.length && one.map(toSingular).join(' ') === other.map(toSingular).join(' ')) return 'plural';
  if (expand(one) === expand(other)) return 'contraction';
  if (one.toSorted().join(' ') === other.toSorted().join(' ')) return 'word order';
  const [few, many] = one.length < other.length ? [one, other] : [other, one];
  const added = many.filter((token) => !few.includes(token));
  if (few.every((token) => many.includes(token))) return added.length === 1 && kindWords.has(added[0]!) ? 'kind word' : 'more words';
  return few.length === 1 && many.length > 1 && many.map((token) => token[0]).join('') === few[0] ? 'acronym' : undefined;
}

/** Apostrophes are folded away before, so "they're" stands here as "theyre". */
function expand(tokens: readonly string[]): string {
  return tokens.map((token) => contractions.get(token) ?? token).join(' ');
}

const contractions: ReadonlyMap<string, string> = new Map([
  ...['they', 'you', 'we'].map((who): [string, string] => [`${who}re`, `${who} are`]),
  // "its" is left out, for it is a word of its own.
  ...['what', 'who', 'where', 'when', 'how', 'that'].map((who): [string, string] => [`${who}s`, `${who} is`]),
  ['im', 'i am'],
  ['ive', 'i have'],
]);

const isProse = (text: string): boolean => /^[\p{L}\s',.!?-]+$/u.test(text);

const negationsOf = (text: string): string => (text.toLowerCase().match(negations) ?? []).join();
const negations = /\b(?:no|not|non|never|none|without|except|excluding|anti|minus|off|dis|un)\b|n['’]t\b/g;

/** Spellings of one unit of measurement, language or currency, where the unit is the whole value. */
export const units = new Map(
  `km kilometer kilometers kilometre kilometres kms;m meter meters metre metres;cm centimeter centimeters centimetre centimetres;
  mm millimeter millimeters;mi mile miles;ft foot feet;inch inches;yd yard yards;kg kilogram kilograms kgs;g gram grams;lb lbs pound pounds;
  oz ounce ounces;s sec secs second seconds;min mins minute minutes;h hr hrs hour hours;day days;week weeks;month months;year years yr yrs;
  c celsius centigrade;f fahrenheit;k kelvin;usd dollar dollars;eur euro euros;mph;kmh kph;l liter liters litre litres;
  ml milliliter milliliters;en english;fr french;de german;es spanish;it italian;ja japanese;zh chinese;pt portuguese;ru russian`
    .split(';')
    .flatMap((entry) => {
      const spellings = entry.trim().split(/\s+/);
      return spellings.map((spelling): [string, string] => [spelling, spellings[0]!]);
    }),
);
