import { Scanner } from '@signalbox/protocol';
import { ContainerWalk, skipGently } from './container-walk.ts';
import type { Gentle } from './gently.ts';

/** Where a value lies in the bytes of a result. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

export interface Member extends Place {
  readonly key: string;
}

/** One block of a result's content. */
export interface Block extends Place {
  readonly index: number;
  /** `text`, `image`, `audio`, `resource`, `resource_link`, or what an extension defines. */
  readonly type: string;
  readonly mimeType: string | undefined;
  /** Of an embedded resource. */
  readonly uri: string | undefined;
  /** The block's own text, or that of the resource in it. */
  readonly text: Place | undefined;
  /** Whether it is an image, audio or a binary resource: what a host does not give to its model as text. */
  readonly isMedia: boolean;
  readonly members: readonly Member[];
  /** Of the resource in it; for other blocks the same as `members`. */
  readonly source: readonly Member[];
}

/** Where everything lies in the bytes of a tool's result. */
export interface ResultLayout {
  /** In their order. */
  readonly members: readonly Member[];
  readonly blocks: readonly Block[];
  /** Blocks beyond those, from `blocks.length` on: their number and where they lie. */
  readonly more: (Place & { readonly count: number }) | undefined;
}

/** Blocks that are looked at one by one. */
const MAX_BLOCKS = 1_000;

/** Finds its way in a result without building it. @throws SyntaxError when it is no JSON object. */
export function* readLayout(bytes: Buffer): Gentle<ResultLayout> {
  const scanner = new Scanner(bytes);
  const members: Member[] = [];
  const blocks: Block[] = [];
  let more: ResultLayout['more'];
  const walk = new ContainerWalk(scanner, scanner.skipSpace(0));
  if (!walk.isObject) throw new SyntaxError('A result must be an object');
  while (walk.next()) {
    const { key, start } = walk;
    if (key === 'content' && bytes[start] === 0x5b) {
      const items = new ContainerWalk(scanner, start);
      while (items.next()) {
        if (items.index < MAX_BLOCKS) {
          const block = yield* readBlock(scanner, items);
          items.end = block.end;
          blocks.push(block);
        } else {
          items.end = yield* skipGently(scanner, items.start);
          more = { start: more?.start ?? items.start, end: items.end, count: (more?.count ?? 0) + 1 };
        }
      }
      walk.end = items.end;
    } else walk.end = yield* skipGently(scanner, start);
    members.push({ key, start, end: walk.end });
  }
  return { members, blocks, more };
}

function* readBlock(scanner: Scanner, { start, index }: ContainerWalk): Gentle<Block> {
  const isObject = scanner.bytes[start] === 0x7b;
  const { members, end } = isObject ? yield* readMembers(scanner, start) : { members: [], end: yield* skipGently(scanner, start) };
  const type = textOf(scanner, members, 'type') ?? '';
  const resource = type === 'resource' ? members.find(({ key }) => key === 'resource') : undefined;
  const source =
    resource !== undefined && scanner.bytes[resource.start] === 0x7b ? (yield* readMembers(scanner, resource.start)).members : members;
  const text = source.find(({ key, start }) => key === 'text' && scanner.bytes[start] === 0x22);
  return {
    index,
    start,
    end,
    type,
    mimeType: textOf(scanner, source, 'mimeType'),
    uri: textOf(scanner, source, 'uri'),
    text: type === 'text' || type === 'resource' ? text : undefined,
    isMedia: type === 'image' || type === 'audio' || (type === 'resource' && source.some(({ key }) => key === 'blob')),
    members,
    source,
  };
}

function* readMembers(scanner: Scanner, start: number): Gentle<{ readonly members: readonly Member[]; readonly end: number }> {
  const members: Member[] = [];
  const walk = new ContainerWalk(scanner, start);
  while (walk.next()) {
    walk.end = yield* skipGently(scanner, walk.start);
    members.push({ key: walk.key, start: walk.start, end: walk.end });
  }
  return { members, end: walk.end };
}

/** Texts that name something are short; a longer one is none. */
const MAX_NAME_BYTES = 4_096;

function textOf({ bytes }: Scanner, members: readonly Member[], name: string): string | undefined {
  const member = members.find(({ key }) => key === name);
  if (member === undefined || bytes[member.start] !== 0x22 || member.end - member.start > MAX_NAME_BYTES) return undefined;
  return JSON.parse(bytes.toString('utf8', member.start, member.end)) as string;
}
