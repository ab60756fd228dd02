const MAX_CHARS = 2_000;
const MAX_FEATURES = 400;

/** What a need is known by afterwards: hashes of its words and pairs of words, each once. */
export function readNeed(text: string): number[] {
  const words =
    text
      .slice(0, MAX_CHARS)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const features = new Set<number>();
  for (const [index, word] of words.entries()) {
    features.add(hashOf(word));
    if (index > 0) features.add(hashOf(`${words[index - 1]} ${word}`));
    if (features.size >= MAX_FEATURES) break;
  }
  return [...features];
}

// FNV-1a over UTF-16, https://datatracker.ietf.org/doc/html/draft-eastlake-fnv.
function hashOf(text: string): number {
  let value = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01_00_01_93);
  return value >>> 0;
}
