/** Size of a block, in bytes. */
export const BLOCK_BYTES = 131_072;
const MAX_SPARE = 32;

const spare: Buffer[] = [];

/** Takes a block of memory for a while. Its content is whatever it was used for before. */
export function takeBlock(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/** Gives a block back, which must be in nobody's hands any more. One that is not given back is left to the collector. */
export function giveBlock(block: Buffer): void {
  if (spare.length < MAX_SPARE) spare.push(block);
}
