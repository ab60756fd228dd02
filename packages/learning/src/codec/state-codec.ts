import { WireWriter } from '@signalbox/core';
import { WireReader } from './wire-reader.ts';

export type Row = readonly [key: string, values: readonly number[]];

/** One version of all models, as it is kept. */
export interface CommitBody {
  /** Ids of what it came from; none for the first, two for a merge. */
  readonly parents: readonly string[];
  readonly message: string;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  /** Learned in all. */
  readonly facts: number;
  /** Of the log of facts, what is in it and in no parent; 0 when nothing is. */
  readonly first: number;
  readonly last: number;
  /** In the order of their names. */
  readonly models: readonly ModelReference[];
  /** What else is to be known of it: metrics, configuration, proofs. */
  readonly notes: Readonly<Record<string, string>>;
}

export interface ModelReference {
  readonly name: string;
  readonly tables: readonly { readonly name: string; readonly id: string; readonly rows: number }[];
}

/** The message `Chunk` of `learning.proto`. */
export function encodeChunk(writer: WireWriter, rows: readonly { readonly key: string; readonly row: readonly number[] }[]): Uint8Array {
  writer.reset();
  for (const { key, row } of rows) {
    const start = writer.begin(1);
    writer.text(1, key);
    writer.doubles(2, row);
    writer.end(start);
  }
  return writer.written;
}

/** @throws GatewayError `INTERNAL` for other bytes. */
export function decodeChunk(bytes: Uint8Array): Row[] {
  const reader = new WireReader(bytes);
  const rows: Row[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) rows.push(decodeRow(reader.bytes()));
    else reader.skip();
  }
  return rows;
}

function decodeRow(bytes: Uint8Array): Row {
  const reader = new WireReader(bytes);
  let key = '';
  let values: number[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) key = reader.text();
    else if (field === 2) values = reader.doubles();
    else reader.skip();
  }
  return [key, values];
}

const HASH_BYTES = 32;

/** The message `Table`. @param chunks Ids in hexadecimal; empty for one without rows. */
export function encodeTable(chunks: readonly string[]): Uint8Array {
  const hashes = Buffer.alloc(HASH_BYTES * chunks.length);
  for (const [index, id] of chunks.entries()) if (id !== '') hashes.write(id, HASH_BYTES * index, 'hex');
  const writer = new WireWriter(hashes.length + 16);
  writer.bytes(1, hashes);
  return writer.written;
}

const NO_CHUNK = '0'.repeat(2 * HASH_BYTES);

/** @throws GatewayError `INTERNAL` for other bytes. */
export function decodeTable(bytes: Uint8Array): string[] {
  const reader = new WireReader(bytes);
  let hashes = Buffer.alloc(0);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) hashes = Buffer.from(reader.bytes());
    else reader.skip();
  }
  return Array.from({ length: hashes.length / HASH_BYTES }, (_, index) => {
    const id = hashes.toString('hex', HASH_BYTES * index, HASH_BYTES * (index + 1));
    return id === NO_CHUNK ? '' : id;
  });
}

/** The message `Commit`. */
export function encodeCommit(commit: CommitBody): Uint8Array {
  const writer = new WireWriter();
  for (const parent of commit.parents) writer.element(1, parent);
  writer.text(2, commit.message);
  writer.double(3, commit.atMs);
  writer.uint(4, commit.facts);
  writer.uint(5, commit.first);
  writer.uint(6, commit.last);
  for (const { name, tables } of commit.models)
    writer.message(7, (model) => {
      model.text(1, name);
      for (const table of tables)
        model.message(2, (inner) => {
          inner.text(1, table.name);
          inner.bytes(2, Buffer.from(table.id, 'hex'));
          inner.uint(3, table.rows);
        });
    });
  for (const [name, text] of Object.entries(commit.notes).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    writer.message(8, (note) => {
      note.text(1, name);
      note.text(2, text);
    });
  return writer.written;
}

type Mutable<Kind> = { -readonly [Member in keyof Kind]: Kind[Member] };

/** @throws GatewayError `INTERNAL` for other bytes. */
export function decodeCommit(bytes: Uint8Array): CommitBody {
  const reader = new WireReader(bytes);
  const parents: string[] = [];
  const models: ModelReference[] = [];
  const notes: Record<string, string> = {};
  const commit: Mutable<CommitBody> = { parents, message: '', atMs: 0, facts: 0, first: 0, last: 0, models, notes };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) parents.push(reader.text());
    else if (field === 2) commit.message = reader.text();
    else if (field === 3) commit.atMs = reader.double();
    else if (field === 4) commit.facts = reader.uint();
    else if (field === 5) commit.first = reader.uint();
    else if (field === 6) commit.last = reader.uint();
    else if (field === 7) models.push(decodeModel(reader.bytes()));
    else if (field === 8) {
      const [name, text] = decodeNote(reader.bytes());
      notes[name] = text;
    } else reader.skip();
  }
  return commit;
}

function decodeModel(bytes: Uint8Array): ModelReference {
  const reader = new WireReader(bytes);
  let name = '';
  const tables: ModelReference['tables'][number][] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) name = reader.text();
    else if (field === 2) tables.push(decodeTableReference(reader.bytes()));
    else reader.skip();
  }
  return { name, tables };
}

function decodeTableReference(bytes: Uint8Array): ModelReference['tables'][number] {
  const reader = new WireReader(bytes);
  const table = { name: '', id: '', rows: 0 };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) table.name = reader.text();
    else if (field === 2) table.id = Buffer.from(reader.bytes()).toString('hex');
    else if (field === 3) table.rows = reader.uint();
    else reader.skip();
  }
  return table;
}

function decodeNote(bytes: Uint8Array): [name: string, text: string] {
  const reader = new WireReader(bytes);
  let [name, text] = ['', ''];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) name = reader.text();
    else if (field === 2) text = reader.text();
    else reader.skip();
  }
  return [name, text];
}
