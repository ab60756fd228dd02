import { doesLookLikeJson, sketchJson, type Sketch } from './sketch.ts';
import type { Gentle } from './gently.ts';
import { decodeString } from './json-text.ts';
import type { Block, Member, ResultLayout } from './result-layout.ts';
import type { ResultPolicy } from './result-policy.ts';

/** A piece of a result that is kept apart from what the caller gets. */
export interface ResultPart {
  /** Where it stood: `structuredContent`, `content[0]`, `content[50…]` for all from there on, or the name of another member. */
  readonly place: string;
  /** `text`: UTF-8 · `json`: a JSON value · `block`: a content block that is no text, as JSON. */
  readonly kind: 'text' | 'json' | 'block';
  readonly mimeType: string;
  readonly bytes: Buffer;
  /** Of what is JSON, also of a text that is. */
  readonly sketch: Sketch | undefined;
  /** URI of an embedded resource. */
  readonly uri: string | undefined;
}

/** How a result is divided. */
export interface SplitResult {
  /** The first is the one that matters most. */
  readonly parts: readonly ResultPart[];
  /** Which part each moved block became, by the block's index. */
  readonly moved: ReadonlyMap<number, number>;
  /** From this index on all blocks together are one part; `undefined` when none are. */
  readonly folded: { readonly from: number; readonly part: number } | undefined;
  /** Other members that were moved, and the parts they became. */
  readonly movedMembers: ReadonlyMap<string, number>;
}

/** More blocks than this do not become parts of their own. */
const MAX_BLOCK_PARTS = 50;
/** What may stand around the text of a block, which stays where the block was. */
const MAX_SHELL_BYTES = 2_048;
/** Members that are for programs, or steer the answer; they stay where they are. */
const FIXED_MEMBERS: ReadonlySet<string> = new Set(['content', '_meta', 'isError', 'resultType']);

/**
 * Decides what of a large result stays and what moves, and takes the latter out.
 * @param structured `structuredContent` as a part, where that is one.
 */
export function* splitResult(
  bytes: Buffer,
  layout: ResultLayout,
  { policy, structured }: { readonly policy: ResultPolicy; readonly structured: ResultPart | undefined },
): Gentle<SplitResult> {
  const parts: ResultPart[] = structured === undefined ? [] : [structured];
  const movedMembers = new Map<string, number>();
  const { moving, foldFrom } = chooseBlocks(layout, policy);
  const moved = new Map<number, number>();
  for (const block of moving) {
    const part = yield* toBlockPart(bytes, block);
    const twin = parts.findIndex((other) => other.kind !== 'block' && other.bytes.equals(part.bytes));
    moved.set(block.index, twin >= 0 ? twin : parts.push(part) - 1);
  }
  let folded: SplitResult['folded'];
  if (foldFrom !== undefined) {
    const end = layout.more?.end ?? layout.blocks.at(-1)!.end;
    const array = Buffer.concat([
      Buffer.from('['),
      bytes.subarray(layout.blocks[foldFrom]?.start ?? layout.more!.start, end),
      Buffer.from(']'),
    ]);
    const part = parts.push(yield* toPart(array, `content[${foldFrom}…]`, 'json')) - 1;
    folded = { from: foldFrom, part };
  }
  for (const member of layout.members) {
    if (FIXED_MEMBERS.has(member.key) || member.key === 'structuredContent' || member.end - member.start <= policy.previewBytes) continue;
    movedMembers.set(member.key, parts.push(yield* toJsonPart(bytes, member, member.key)) - 1);
  }
  return { parts, moved, folded, movedMembers };
}

/** Bytes of a result that are for a model to read, as opposed to images and the like that it is shown. */
export function readableBytes(length: number, { blocks }: ResultLayout, policy: ResultPolicy): number {
  const shown = blocks.filter((block) => isShown(block, policy));
  return length - shown.reduce((sum, { start, end }) => sum + end - start, 0);
}

function isShown(block: Block, policy: ResultPolicy): boolean {
  return block.isMedia && block.end - block.start <= policy.maxInlineMediaBytes;
}

function chooseBlocks(
  { blocks, more }: ResultLayout,
  policy: ResultPolicy,
): { readonly moving: readonly Block[]; readonly foldFrom: number | undefined } {
  const moving: Block[] = [];
  let kept = 0;
  for (const block of blocks) {
    if (isShown(block, policy)) continue;
    const length = block.end - block.start;
    if (length <= policy.previewBytes && kept + length <= policy.maxInlineBytes / 2) kept += length;
    else if (moving.length < MAX_BLOCK_PARTS) moving.push(block);
    else return { moving, foldFrom: block.index };
  }
  return { moving, foldFrom: more === undefined ? undefined : blocks.length };
}

function* toBlockPart(bytes: Buffer, block: Block): Gentle<ResultPart> {
  const place = `content[${block.index}]`;
  // A text among much else is not all there is to the block.
  if (block.text === undefined || block.end - block.start - (block.text.end - block.text.start) > MAX_SHELL_BYTES) {
    const mimeType = block.mimeType ?? 'application/json';
    return {
      place,
      kind: 'block',
      mimeType,
      bytes: Buffer.from(bytes.subarray(block.start, block.end)),
      sketch: undefined,
      uri: block.uri,
    };
  }
  const part = yield* toPart(yield* decodeString(bytes, block.text), place, 'text');
  return { ...part, mimeType: block.mimeType ?? part.mimeType, uri: block.uri };
}

/** A member of a result as a part. It is copied, so that the whole message need not stay for a piece of it. */
export function* toJsonPart(bytes: Buffer, { start, end }: Member, place: string): Gentle<ResultPart> {
  return yield* toPart(Buffer.from(bytes.subarray(start, end)), place, 'json');
}

function* toPart(bytes: Buffer, place: string, kind: 'text' | 'json'): Gentle<ResultPart> {
  const sketch = kind === 'json' ? yield* sketchJson(bytes) : yield* sketchText(bytes);
  return { place, kind, mimeType: sketch === undefined ? 'text/plain' : 'application/json', bytes, sketch, uri: undefined };
}

function* sketchText(bytes: Buffer): Gentle<Sketch | undefined> {
  if (!doesLookLikeJson(bytes)) return undefined;
  try {
    return yield* sketchJson(bytes);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
