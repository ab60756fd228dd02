const LOOK_AT_BYTES = 80;
const AT_START = /^\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d{1,15})\s*,/;
const AT_END = /[\s,]"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/;

/**
 * Finds the id of an answer where servers write it, at either end of the message, without looking at what is between.
 * That it is the id, and the message an answer, has still to be seen.
 */
export function guessId(message: Buffer): number | undefined {
  const id =
    AT_START.exec(message.toString('latin1', 0, LOOK_AT_BYTES)) ??
    AT_END.exec(message.toString('latin1', Math.max(0, message.length - LOOK_AT_BYTES)));
  return id === null ? undefined : Number(id[1]);
}
