import { count, describeShape, outlineJson } from './outline.ts';
import { RESULT_SCHEME } from './result-resource.ts';
import type { KeptResult } from './result-store.ts';
import type { Shortening } from './shorten-json.ts';
import type { ResultPart } from './split-result.ts';
import type { Sketch } from './sketch.ts';
import { previewText } from './text-preview.ts';

/** Names of the tools that read results, as their callers know them. */
export interface ResultToolNames {
  readonly read: string;
  readonly search: string;
  readonly slice: string;
  readonly drop: string;
  /** The tool by which these are called, where they are not listed. */
  readonly through: string | undefined;
}

/** What became of `structuredContent`. */
export type StructuredFate =
  | { readonly kind: 'untouched' | 'moved' | 'whole' }
  | { readonly kind: 'shortened'; readonly text: string; readonly shortenings: readonly Shortening[] };

export interface NoticeOptions {
  readonly kept: KeptResult;
  /** Bytes of the whole result. */
  readonly bytes: number;
  readonly names: ResultToolNames;
  readonly structured: StructuredFate;
}

const MAX_LISTED_PARTS = 60;
const MAX_LISTED_SHORTENINGS = 8;

/** Tells that a result was too large to be given whole, where all of it is, and how to read on. */
export function writeNotice({ kept, bytes, names, structured }: NoticeOptions): string {
  const { handle, parts, tool, expiresAtMs } = kept;
  const until = new Date(expiresAtMs).toISOString();
  const path = parts.map(({ sketch }) => sketch && examplePath(sketch)).find((found) => found !== undefined);
  const isAnyText = parts.some(({ kind }) => kind !== 'block');
  const isAnyJson = parts.some(({ kind, sketch }) => kind === 'block' || sketch !== undefined);
  return [
    `The result of "${tool}" has ${count(bytes, 'byte')}, too many to be given at once. Nothing of it is lost: it is kept until ${until} under the handle ${handle}. What stands here is a preview.`,
    'To read on, call:',
    ...(isAnyText ? [`- ${callOf(names, 'read', { handle, part: 0, offset: 0 })} for a page of text`] : []),
    ...(isAnyText ? [`- ${callOf(names, 'search', { handle, part: 0, pattern: 'text' })} for the lines that contain a text`] : []),
    ...(isAnyJson
      ? [`- ${callOf(names, 'slice', { handle, part: 0, path: path ?? '' })} for values at a path, or an image as it was`]
      : []),
    `- ${callOf(names, 'drop', { handle })} when it is not needed any more`,
    `The parts that were moved out:`,
    ...parts.slice(0, MAX_LISTED_PARTS).map((part, number) => `- part ${number}: ${describePart(part)}`),
    ...(parts.length > MAX_LISTED_PARTS ? [`- and ${count(parts.length - MAX_LISTED_PARTS, 'more part')}`] : []),
    ...describeStructured(structured),
  ].join('\n');
}

/** One sentence for a shortened `structuredContent` to carry in itself. */
export function writeShortNotice(handle: string, shortenings: readonly Shortening[], names: ResultToolNames): string {
  return `Shortened: ${describeShortenings(shortenings)}. All of it is kept: ${callOf(names, 'slice', { handle, part: 0, path: shortenings[0]?.path ?? '' })}`;
}

/** The same for programs, in `_meta`. */
export function toResultMeta({ kept, bytes, structured }: NoticeOptions): object {
  const { handle, parts, expiresAtMs } = kept;
  return {
    handle,
    uri: RESULT_SCHEME + handle,
    bytes,
    expiresAt: new Date(expiresAtMs).toISOString(),
    structuredContent: structured.kind,
    ...(structured.kind === 'shortened' ? { shortened: structured.shortenings.slice(0, MAX_LISTED_PARTS) } : {}),
    parts: parts.slice(0, MAX_LISTED_PARTS).map(({ place, kind, mimeType, bytes, uri }, part) => ({
      part,
      place,
      kind,
      mimeType,
      bytes: bytes.length,
      ...(uri === undefined ? {} : { uri }),
    })),
    partCount: parts.length,
  };
}

/** What a part looks like, in about `maxBytes` bytes; nothing for what a model cannot read. */
export function previewPart({ kind, bytes, sketch }: ResultPart, maxBytes: number): string {
  if (kind === 'block') return '';
  return sketch === undefined ? previewText(bytes, maxBytes) : outlineJson(bytes, sketch, maxBytes);
}

/** What a part is, in one line. */
export function describePart({ place, kind, mimeType, bytes, sketch, uri }: ResultPart): string {
  const what = kind === 'block' ? mimeType : sketch === undefined ? mimeType : `JSON, ${describeShape(sketch)}`;
  return `${place}, ${what}, ${count(bytes.length, 'byte')}${uri === undefined ? '' : `, ${uri}`}`;
}

function describeStructured(structured: StructuredFate): readonly string[] {
  if (structured.kind === 'shortened') return [`structuredContent is shortened here: ${describeShortenings(structured.shortenings)}.`];
  return structured.kind === 'whole' ? ['structuredContent is given whole.'] : [];
}

function describeShortenings(shortenings: readonly Shortening[]): string {
  const shown = shortenings
    .slice(0, MAX_LISTED_SHORTENINGS)
    .map(({ path, kept, of, unit }) => `${path === '' ? 'the whole' : path} has ${kept} of ${of} ${unit}`);
  const more = shortenings.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${count(more, 'more place')}` : ''}`;
}

// The first list in a value is most likely what the caller is after.
function examplePath(sketch: Sketch, depth = 0): string | undefined {
  if (sketch.kind === 'array') return '/0:10';
  if (sketch.kind !== 'object' || depth > 2) return undefined;
  for (const [key, value] of sketch.members) {
    const inner = examplePath(value, depth + 1);
    if (inner !== undefined) return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}${inner}`;
  }
  return undefined;
}

function callOf(names: ResultToolNames, tool: 'read' | 'search' | 'slice' | 'drop', args: object): string {
  const name = names[tool];
  return names.through === undefined ? `${name} ${JSON.stringify(args)}` : `${names.through} ${JSON.stringify({ name, arguments: args })}`;
}
