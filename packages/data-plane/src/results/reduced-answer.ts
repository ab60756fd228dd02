import { RawJson } from '@signalbox/core';
import { readMember, withMember } from '@signalbox/protocol';
import { describePart, previewPart, toResultMeta, writeNotice, type NoticeOptions } from './result-notice.ts';
import type { Block, Member, ResultLayout } from './result-layout.ts';
import { RESULT_SCHEME } from './result-resource.ts';
import type { SplitResult } from './split-result.ts';

export interface AnswerOptions extends NoticeOptions {
  readonly result: RawJson;
  readonly layout: ResultLayout;
  readonly split: SplitResult;
  /** About how much all previews together show. */
  readonly previewBytes: number;
  /** Whether the client knows content that links to a resource. */
  readonly knowsLinks: boolean;
}

/** Member of `_meta` that tells programs of a kept result. */
export const RESULT_META = 'signalbox.dev/result';
const RESOURCE_META = 'signalbox.dev/resource';

/** Of the previews, the one of the part that matters most gets this share. */
const MAIN_SHARE = 0.6;
const MAX_PREVIEWS = 8;
const LEAST_PREVIEW = 200;

/** Members that say what a block is; a block of text without them is what stands in its place. */
const OWN_MEMBERS: ReadonlySet<string> = new Set(['type', 'text', 'resource', '_meta']);
/** Where the part has everything, this much of the block stays as well. */
const COMMON_MEMBERS: ReadonlySet<string> = new Set(['annotations']);
const MAX_COMMON_BYTES = 1_024;

/**
 * The result that goes to the caller in the place of a large one: what stays, in its own bytes and its own order, and
 * in the place of what was moved a preview. It is a result of the same tool and says of itself that it is not the whole.
 */
export function writeAnswer(options: AnswerOptions): RawJson {
  const { result, layout, split, structured } = options;
  const { bytes } = result;
  const members: (string | Buffer)[] = [];
  const put = (name: string, ...value: readonly (string | Buffer)[]) =>
    members.push(members.length === 0 ? '{' : ',', `${JSON.stringify(name)}:`, ...value);
  let hasContent = false;
  for (const { key, start, end } of layout.members) {
    if (key === 'content') {
      hasContent = true;
      put(key, ...writeContent(options));
    } else if (key === 'structuredContent' && structured.kind === 'shortened') put(key, structured.text);
    else if (key === 'structuredContent' && structured.kind === 'moved') continue;
    else if (key !== '_meta' && !split.movedMembers.has(key)) put(key, bytes.subarray(start, end));
  }
  if (!hasContent) put('content', ...writeContent(options));
  const meta = withMember(readMember(result, '_meta'), RESULT_META, RawJson.fromValue(toResultMeta(options)));
  put('_meta', meta.bytes);
  return RawJson.fromBytes(concat([...members, '}']));
}

function writeContent(options: AnswerOptions): readonly (string | Buffer)[] {
  const { result, layout, split, kept } = options;
  const shares = sharesOf(options);
  const shown = new Set(split.moved.values());
  if (split.folded !== undefined) shown.add(split.folded.part);
  // A part that has no block to stand in is shown with the notice.
  const homeless = kept.parts.flatMap((part, number) =>
    shown.has(number) || shares[number] === 0 ? [] : [`Part ${number}:\n${previewPart(part, shares[number]!)}`],
  );
  const pieces: (string | Buffer)[] = [textBlock([writeNotice(options), ...homeless].join('\n\n'))];
  const blocks = split.folded === undefined ? layout.blocks : layout.blocks.slice(0, split.folded.from);
  const previewed = new Set<number>();
  for (const block of blocks) {
    const number = split.moved.get(block.index);
    if (number === undefined) pieces.push(result.bytes.subarray(block.start, block.end));
    else {
      pieces.push(writeMovedBlock(options, block, previewed.has(number) ? '' : previewPart(kept.parts[number]!, shares[number]!)));
      previewed.add(number);
    }
  }
  if (split.folded !== undefined) {
    const { part, from } = split.folded;
    pieces.push(textBlock(`[Everything from content[${from}] on is part ${part}]\n${previewPart(kept.parts[part]!, shares[part]!)}`));
  }
  if (options.knowsLinks) pieces.push(writeLink(options));
  return ['[', ...pieces.flatMap((piece, index) => (index === 0 ? [piece] : [',', piece])), ']'];
}

function sharesOf({ kept, previewBytes }: AnswerOptions): readonly number[] {
  const others = Math.min(kept.parts.length, MAX_PREVIEWS) - 1;
  if (others === 0) return [previewBytes];
  const share = Math.max(LEAST_PREVIEW, Math.floor((previewBytes * (1 - MAIN_SHARE)) / others));
  return kept.parts.map((_, number) => (number === 0 ? Math.floor(previewBytes * MAIN_SHARE) : number <= others ? share : 0));
}

function writeMovedBlock({ result: { bytes }, split, kept }: AnswerOptions, block: Block, preview: string): Buffer {
  const number = split.moved.get(block.index)!;
  const part = kept.parts[number]!;
  const isTwin = part.place !== `content[${block.index}]`;
  const said = isTwin
    ? `[content[${block.index}] is the same as ${part.place}, which is part ${number}]`
    : `[${describePart(part)}, is part ${number}]`;
  const staying = block.members.filter(({ key, start, end }) =>
    part.kind === 'block' ? COMMON_MEMBERS.has(key) && end - start <= MAX_COMMON_BYTES : !OWN_MEMBERS.has(key),
  );
  const pieces: (string | Buffer)[] = [`{"type":"text","text":${JSON.stringify(preview === '' ? said : `${said}\n${preview}`)}`];
  for (const { key, start, end } of staying) pieces.push(`,${JSON.stringify(key)}:`, bytes.subarray(start, end));
  const meta = part.kind === 'block' ? undefined : metaOf(bytes, block);
  if (meta !== undefined) pieces.push(',"_meta":', meta.bytes);
  pieces.push('}');
  return concat(pieces);
}

// What an embedded resource says of itself beside its text has no other place in a block of text.
function metaOf(bytes: Buffer, { type, members, source }: Block): RawJson | undefined {
  const meta = memberOf(bytes, members, '_meta');
  if (type !== 'resource') return meta;
  const about = source
    .filter(({ key }) => key !== 'text')
    .map(({ key, start, end }) => `${JSON.stringify(key)}:${bytes.toString('utf8', start, end)}`);
  return withMember(meta, RESOURCE_META, RawJson.fromBytes(Buffer.from(`{${about.join(',')}}`)));
}

function memberOf(bytes: Buffer, members: readonly Member[], name: string): RawJson | undefined {
  const member = members.find(({ key }) => key === name);
  return member === undefined ? undefined : RawJson.fromBytes(bytes.subarray(member.start, member.end));
}

function writeLink({ kept }: AnswerOptions): Buffer {
  const { handle, tool, parts } = kept;
  return Buffer.from(
    JSON.stringify({
      type: 'resource_link',
      uri: RESULT_SCHEME + handle,
      name: `result of ${tool}`,
      description: 'All parts of the large result that were moved out of this answer',
      mimeType: parts[0]!.mimeType,
      size: parts.reduce((sum, { bytes }) => sum + bytes.length, 0),
    }),
  );
}

function textBlock(text: string): string {
  return JSON.stringify({ type: 'text', text });
}

function concat(pieces: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}
