import { createHash } from 'node:crypto';
import { GatewayError, isObject } from '@signalbox/core';

/**
 * An export is lines of JSON: a header, the entries and logs in any order, and an end that holds the SHA-256 of every byte
 * before its own line. A log is announced with its span; its entries follow, oldest first.
 */
export type ExportLine =
  | { readonly format: typeof FORMAT; readonly version: number; readonly createdAt: string }
  | { readonly entry: readonly [collection: string, key: string, base64: string] }
  | { readonly log: readonly [name: string, first: number, last: number] }
  | { readonly append: readonly [log: string, sequence: number, base64: string] }
  | { readonly end: { readonly entries: number; readonly logEntries: number; readonly sha256: string } };

export const FORMAT = 'signalbox-export';
export const VERSION = 1;

// A value of 64 MiB as base64, with its names.
const MAX_LINE_BYTES = 96 * 1024 * 1024;

/** Counts of an export that was read whole and found unchanged. */
export interface ExportSummary {
  readonly createdAt: string;
  readonly entries: number;
  readonly logEntries: number;
  readonly sha256: string;
}

/**
 * Reads an export, passing on its lines but the header and the end.
 * @throws GatewayError `INVALID_REQUEST` for what is no export, is newer than we are, was changed, or was cut off. What
 * came before was passed on by then, so read it once without doing anything.
 */
export async function* readExport(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ExportLine, ExportSummary, undefined> {
  const hash = createHash('sha256');
  let createdAt: string | undefined;
  let [entries, logEntries] = [0, 0];
  let summary: ExportSummary | undefined;
  for await (const text of readLines(chunks)) {
    if (summary !== undefined) throw unreadable('something stands behind its end');
    const line = parse(text);
    if (createdAt === undefined) createdAt = readHeader(line);
    else if ('end' in line) {
      const { end } = line;
      if (end.sha256 !== hash.digest('hex')) throw unreadable('its checksum is wrong, so it was changed');
      if (end.entries !== entries || end.logEntries !== logEntries) throw unreadable('its counts are wrong');
      summary = { createdAt, ...end };
      continue;
    } else {
      if ('entry' in line) entries += 1;
      if ('append' in line) logEntries += 1;
      yield line;
    }
    hash.update(text).update('\n');
  }
  if (summary === undefined) throw unreadable(createdAt === undefined ? 'it is empty' : 'its end is missing, so it was cut off');
  return summary;
}

async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield Buffer.concat([...parts, rest.subarray(0, end)]);
      [parts, bytes] = [[], 0];
      rest = rest.subarray(end + 1);
    }
    bytes += rest.length;
    if (bytes > MAX_LINE_BYTES) throw unreadable('it has a line that is too long');
    // Whoever gives us chunks may use their memory again.
    if (rest.length > 0) parts.push(Buffer.from(rest));
  }
  if (bytes > 0) throw unreadable('its last line is not complete, so it was cut off');
}

function parse(text: Buffer): ExportLine {
  try {
    const line: unknown = JSON.parse(text.toString());
    if (isObject(line)) return line as unknown as ExportLine;
  } catch {
    // Said below, like everything else that is no line of ours.
  }
  throw unreadable('it has a line that is no JSON object');
}

function readHeader(line: ExportLine): string {
  if (!('format' in line) || line.format !== FORMAT) throw unreadable('it does not begin as one does');
  if (line.version > VERSION)
    throw unreadable(`it was written by a newer version of Signalbox (format ${line.version}; this one knows up to ${VERSION})`);
  return line.createdAt;
}

function unreadable(reason: string): GatewayError {
  return new GatewayError('INVALID_REQUEST', `Cannot read the export: ${reason}`);
}
