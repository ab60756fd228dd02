const MAX_CHARS = 2_000;
const MAX_WORDS = 64;

// Words that say nothing of what is needed, and those in which people ask for it.
const STOP_WORDS = new Set(
  `a about also am an and any are as at be been being but by can could did do does for from get give had has have help her here his how
  i if in into is it its just know let like many me more most much my need no not of on or our out over please she should so some tell
  than that the their them then there these they this those to up us use used using very via want was we were what when where which who
  why will with would you your`.split(/\s+/),
);

/**
 * What learning knows of a need: hashes of its words and of its pairs of neighbouring words, each an unsigned number of 32 bits, each
 * once, at most 127. The producer reads needs before an interaction exists, so that no text of a caller reaches the journal. Changing
 * this function makes all that was learned of needs useless.
 */
export function readNeed(text: string): number[] {
  const runs =
    text
      .slice(0, MAX_CHARS)
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const stems = runs
    .filter((run) => !STOP_WORDS.has(run))
    .slice(0, MAX_WORDS)
    .map(toStem);
  const features = new Set(stems.map(hash));
  for (let index = 1; index < stems.length; index++) features.add(hash(`${stems[index - 1]!} ${stems[index]!}`));
  return [...features];
}

function hash(text: string): number {
  let value = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01_00_01_93);
  value = Math.imul(value ^ (value >>> 15), 0x2c_1b_3c_6d);
  return (value ^ (value >>> 12)) >>> 0;
}

// Enough for "issues", "creating" and "created" to meet.
function toStem(word: string): string {
  let stem = word;
  if (stem.length > 4) {
    if (stem.endsWith('ies')) stem = `${stem.slice(0, -3)}y`;
    else if (stem.endsWith('s') && !stem.endsWith('ss')) stem = stem.slice(0, -1);
  }
  if (stem.length > 5) {
    if (stem.endsWith('ing')) stem = stem.slice(0, -3);
    else if (stem.endsWith('ed')) stem = stem.slice(0, -2);
  }
  return stem.length > 4 && stem.endsWith('e') ? stem.slice(0, -1) : stem;
}
