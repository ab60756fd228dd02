import { GatewayError } from '@signalbox/core';
import type { Posting, SearchReading } from './posting.ts';
import { TRUST_PLACES } from './trust.ts';

/** What `encodeSearchSnapshot` takes: what was learned, tenant by tenant. */
export interface SnapshotSource {
  readonly tenants: ReadonlyMap<string, SearchReading & { readonly postings: ReadonlyMap<number, Posting> }>;
}

/** What was learned, by tenant; nothing where nothing is known of one. Its readings share one working memory, so they serve one thread. */
export interface SearchSnapshot {
  readingOf(tenant: string): SearchReading | undefined;
}

// The buffer is a row of 32-bit words. A tenant is its head, the words of its trust, of its tools, of its features and of its links, and
// last the letters of its name and of its tools' keys, each with its length before it.
const MAGIC = 0x53_42_53_31;
const HEAD = { choices: 0, tools: 1, slots: 2, trust: 3, byTool: 4, byKey: 5, keySlots: 6, features: 7, links: 8, name: 9 } as const;
const HEAD_SIZE = 10;
const TOOL_SIZE = 2;
const SLOT_SIZE = 4;
const EMPTY = -1;

/** Puts all that ranking reads into one buffer that threads can share without copies. */
export function encodeSearchSnapshot({ tenants }: SnapshotSource): SharedArrayBuffer {
  const plans = [...tenants].map(([name, reading]) => planOf(name, reading));
  let size = 2 + plans.length;
  const starts = plans.map((plan) => {
    const start = size + (size % 2);
    size = start + plan.size;
    return start;
  });
  const words = new Int32Array(new SharedArrayBuffer(size * 4));
  words.set([MAGIC, plans.length, ...starts]);
  for (const [index, plan] of plans.entries()) writeTenant(words, starts[index]!, plan);
  return words.buffer as SharedArrayBuffer;
}

/**
 * Reads a buffer of `encodeSearchSnapshot`, also in another thread.
 * @throws GatewayError `INTERNAL` when the buffer is none.
 */
export function openSearchSnapshot(buffer: SharedArrayBuffer): SearchSnapshot {
  const words = new Int32Array(buffer);
  if (words[0] !== MAGIC) throw new GatewayError('INTERNAL', 'Cannot read a search snapshot: the buffer holds something else');
  const tenants = new Map<string, TenantReading>();
  for (let index = 0; index < words[1]!; index++) {
    const start = words[2 + index]!;
    tenants.set(textAt(words, start + words[start + HEAD.name]!), new TenantReading(words, start));
  }
  return { readingOf: (tenant) => tenants.get(tenant) };
}

interface TenantPlan {
  readonly name: string;
  readonly reading: SearchReading & { readonly postings: ReadonlyMap<number, Posting> };
  readonly head: Readonly<Record<keyof typeof HEAD, number>>;
  readonly size: number;
}

function planOf(name: string, reading: TenantPlan['reading']): TenantPlan {
  const slots = roomFor(reading.postings.size);
  const keySlots = roomFor(reading.tools);
  let links = 0;
  for (const { from, to } of reading.postings.values()) links += to - from;
  const trust = HEAD_SIZE;
  const byTool = trust + 2 * TRUST_PLACES;
  const byKey = byTool + TOOL_SIZE * reading.tools;
  const features = byKey + keySlots;
  const linksFrom = features + SLOT_SIZE * slots;
  const nameFrom = linksFrom + links;
  let size = nameFrom + wordsOf(name);
  for (let tool = 0; tool < reading.tools; tool++) size += wordsOf(reading.keyOf(tool));
  const head = {
    choices: reading.choices,
    tools: reading.tools,
    slots,
    trust,
    byTool,
    byKey,
    keySlots,
    features,
    links: linksFrom,
    name: nameFrom,
  };
  return { name, reading, head, size: size + (size % 2) };
}

function writeTenant(words: Int32Array, start: number, { name, reading, head }: TenantPlan): void {
  for (const [part, place] of Object.entries(HEAD)) words[start + place] = head[part as keyof typeof HEAD];
  const trust = new Float64Array(words.buffer, (start + head.trust) * 4, TRUST_PLACES);
  for (let place = 0; place < TRUST_PLACES; place++) trust[place] = reading.trustOf(place);
  let text = writeText(words, start + head.name, name);
  words.fill(EMPTY, start + head.byKey, start + head.byKey + head.keySlots);
  for (let tool = 0; tool < reading.tools; tool++) {
    const key = reading.keyOf(tool);
    words[start + head.byTool + TOOL_SIZE * tool] = reading.choicesOf(tool);
    words[start + head.byTool + TOOL_SIZE * tool + 1] = text;
    text = writeText(words, text, key);
    let slot = hashOf(key) & (head.keySlots - 1);
    while (words[start + head.byKey + slot] !== EMPTY) slot = (slot + 1) & (head.keySlots - 1);
    words[start + head.byKey + slot] = tool;
  }
  // A slot is a feature, how often it was seen, and where its links are. An empty one was seen -1 times.
  for (let slot = 0; slot < head.slots; slot++) words[start + head.features + SLOT_SIZE * slot + 1] = EMPTY;
  let link = start + head.links;
  for (const [feature, { seen, links, from, to }] of reading.postings) {
    let slot = mix(feature) & (head.slots - 1);
    while (words[start + head.features + SLOT_SIZE * slot + 1] !== EMPTY) slot = (slot + 1) & (head.slots - 1);
    words.set([feature, seen, link, link + to - from], start + head.features + SLOT_SIZE * slot);
    words.set(links.subarray(from, to), link);
    link += to - from;
  }
}

class TenantReading implements SearchReading {
  readonly choices: number;
  readonly tools: number;
  readonly #words: Int32Array;
  readonly #trust: Float64Array;
  readonly #byTool: number;
  readonly #byKey: number;
  readonly #keyMask: number;
  readonly #features: number;
  readonly #mask: number;
  readonly #found: { seen: number; links: Int32Array; from: number; to: number };

  constructor(words: Int32Array, start: number) {
    const at = (part: keyof typeof HEAD) => words[start + HEAD[part]]!;
    this.#words = words;
    this.choices = at('choices');
    this.tools = at('tools');
    this.#trust = new Float64Array(words.buffer, (start + at('trust')) * 4, TRUST_PLACES);
    this.#byTool = start + at('byTool');
    this.#byKey = start + at('byKey');
    this.#keyMask = at('keySlots') - 1;
    this.#features = start + at('features');
    this.#mask = at('slots') - 1;
    this.#found = { seen: 0, links: words, from: 0, to: 0 };
  }

  keyOf(tool: number): string {
    return textAt(this.#words, this.#words[this.#byTool + TOOL_SIZE * tool + 1]!);
  }

  toolOf(key: string): number {
    for (let slot = hashOf(key) & this.#keyMask; ; slot = (slot + 1) & this.#keyMask) {
      const tool = this.#words[this.#byKey + slot]!;
      if (tool === EMPTY || isTextAt(this.#words, this.#words[this.#byTool + TOOL_SIZE * tool + 1]!, key)) return tool;
    }
  }

  choicesOf(tool: number): number {
    return this.#words[this.#byTool + TOOL_SIZE * tool]!;
  }

  find(feature: number): Posting | undefined {
    const wanted = feature | 0;
    for (let slot = mix(feature) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = this.#features + SLOT_SIZE * slot;
      const seen = this.#words[at + 1]!;
      if (seen === EMPTY) return undefined;
      if (this.#words[at] !== wanted) continue;
      this.#found.seen = seen;
      this.#found.from = this.#words[at + 2]!;
      this.#found.to = this.#words[at + 3]!;
      return this.#found;
    }
  }

  trustOf(place: number): number {
    return this.#trust[place]!;
  }
}

// Twice the room that is needed, and never full, so that a search for what is not there ends.
function roomFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count) * 2));
}

function mix(feature: number): number {
  const value = Math.imul(feature ^ (feature >>> 16), 0x45_d9_f3_b);
  return (value ^ (value >>> 16)) >>> 0;
}

function hashOf(text: string): number {
  let value = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01_00_01_93);
  return mix(value);
}

function wordsOf(text: string): number {
  return 1 + Math.ceil(text.length / 2);
}

// Two letters a word; returns where the next text begins.
function writeText(words: Int32Array, at: number, text: string): number {
  words[at] = text.length;
  for (let index = 0; index < text.length; index++) words[at + 1 + (index >> 1)]! |= text.charCodeAt(index) << (index % 2 === 0 ? 0 : 16);
  return at + wordsOf(text);
}

function letterAt(words: Int32Array, at: number, index: number): number {
  return (words[at + 1 + (index >> 1)]! >>> (index % 2 === 0 ? 0 : 16)) & 0xff_ff;
}

function textAt(words: Int32Array, at: number): string {
  let text = '';
  for (let index = 0; index < words[at]!; index++) text += String.fromCharCode(letterAt(words, at, index));
  return text;
}

function isTextAt(words: Int32Array, at: number, text: string): boolean {
  if (words[at] !== text.length) return false;
  for (let index = 0; index < text.length; index++) if (letterAt(words, at, index) !== text.charCodeAt(index)) return false;
  return true;
}
