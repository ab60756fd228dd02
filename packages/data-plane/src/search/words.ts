// Words that say nothing of what a tool does, also those in which people ask for one.
const STOP_WORDS = new Set(
  `a about also am an and any are as at be been being but by can could did do does for from get give had has have he help her here his
  how i if in into is it its just know let like many me more most much my need no not of on or our out over please she should so some
  tell than that the their them then there these they this those to up us use used using very via want was we were what when where
  which who whom why will with would you your`.split(/\s+/),
);

const WRITTEN_WITHOUT_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** A run of letters and digits as it is compared. */
export interface Run {
  /**
   * Its words: in lower case, without accents, without endings, without those that mean nothing. A name is taken apart where
   * its writing says so (`getUserInfo`) and kept whole as well.
   */
  readonly words: readonly string[];
  /** The groups of three letters it consists of, each as a number; now and then two share one. */
  readonly trigrams: readonly number[];
}

/** The runs of letters and digits of a text, as they are written but without accents. */
export function runsOf(text: string): readonly string[] {
  if (isAscii(text)) return text.match(/[A-Za-z0-9]+/g) ?? [];
  return (
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** Reads one run of letters and digits. */
export function readRun(run: string): Run {
  return { words: wordsOf(run), trigrams: trigramsOf(run.toLowerCase()) };
}

function wordsOf(run: string): string[] {
  const words: string[] = [];
  if (WRITTEN_WITHOUT_SPACES.test(run)) {
    for (let index = 0; index < Math.max(1, run.length - 1); index++) words.push(run.slice(index, index + 2));
    return words;
  }
  const parts = partsOf(run);
  if (parts.length > 1) words.push(toStem(run.toLowerCase()));
  for (const part of parts) {
    const word = part.toLowerCase();
    if (!STOP_WORDS.has(word)) words.push(toStem(word));
  }
  return words;
}

function trigramsOf(run: string): number[] {
  const trigrams: number[] = [];
  let first = EDGE;
  let second = run.charCodeAt(0);
  for (let index = 1; index <= run.length; index++) {
    const third = index === run.length ? EDGE : run.charCodeAt(index);
    trigrams.push(((first * 1_021 + second) * 1_021 + third) & 0x3f_ff_ff_ff);
    first = second;
    second = third;
  }
  return trigrams;
}

// Stands in front of a run and behind it.
const EDGE = 1;

// Where a name is written as several words in one, each of them; otherwise the run itself.
function partsOf(run: string): string[] {
  if (/^(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]+)$/.test(run)) return [run];
  return run
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .replace(/(\p{L})(\p{N})/gu, '$1 $2')
    .replace(/(\p{N})(\p{L})/gu, '$1 $2')
    .split(' ');
}

// Takes off what English adds to a word: enough for "issues", "creating" and "created" to meet, too little to join strangers.
function toStem(word: string): string {
  if (word.length < 4) return word;
  let stem = word;
  if (stem.endsWith('ies')) stem = `${stem.slice(0, -3)}y`;
  else if (/(?:sses|xes|ches|shes)$/.test(stem)) stem = stem.slice(0, -2);
  else if (stem.endsWith('s') && !/(?:ss|us|is)$/.test(stem)) stem = stem.slice(0, -1);
  if (stem.length > 5 && stem.endsWith('ing') && hasVowel(stem.slice(0, -3))) stem = withoutDouble(stem.slice(0, -3));
  else if (stem.length > 4 && stem.endsWith('ed') && hasVowel(stem.slice(0, -2))) stem = withoutDouble(stem.slice(0, -2));
  if (stem.length > 4 && stem.endsWith('e')) stem = stem.slice(0, -1);
  if (stem.length > 4 && stem.endsWith('y')) stem = `${stem.slice(0, -1)}i`;
  return stem;
}

function hasVowel(text: string): boolean {
  return /[aeiouy]/.test(text);
}

function withoutDouble(stem: string): string {
  return /([bdfgkmnprt])\1$/.test(stem) ? stem.slice(0, -1) : stem;
}

function isAscii(text: string): boolean {
  // eslint-disable-next-line no-control-regex
  return /^[\0-\x7F]*$/.test(text);
}
