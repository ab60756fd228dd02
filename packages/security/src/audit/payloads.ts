import { hash, randomUUID } from 'node:crypto';
import { GatewayError, type RawJson, type RecordPayload, type Store, type StoreOperation } from '@signalbox/core';
import { payloadHashOf } from './audit-entry.ts';

/** What is kept beside one record, as text. */
export interface PayloadOf {
  readonly sequence: number;
  readonly payload: string;
}

/** What is kept beside a record, as it is shown. */
export interface ShownPayload {
  readonly arguments: string | null;
  readonly result: string | null;
}

const COLLECTION = 'audit-payloads';
const CHAIN = /^audit\.[a-z0-9]+\.\d+$/;

/** Arguments and result of a call, each cut off at `maxBytes`. */
export function toPayloadText({ arguments: args, result }: RecordPayload, maxBytes: number): string {
  // The salt keeps the hash in the record from telling short arguments to those who guess them.
  return JSON.stringify({ salt: randomUUID(), arguments: cut(args, maxBytes), result: cut(result, maxBytes) });
}

/**
 * Keeps what belongs to the records of one commit under one key, that of the last of them: one value to encrypt and to
 * write costs little more than each of many.
 */
export function putPayloads(chain: string, payloads: readonly PayloadOf[]): StoreOperation {
  const lines = payloads.map(({ sequence, payload }) => `${sequence} ${payload}\n`);
  return { kind: 'put', collection: COLLECTION, key: keyOf(chain, payloads.at(-1)!.sequence), value: Buffer.from(lines.join('')) };
}

/** Forgets what was kept with a record if it was the last one of its commit. Nothing happens for others. */
export function deletePayloadsUpTo(chain: string, sequence: number): StoreOperation {
  return { kind: 'delete', collection: COLLECTION, key: keyOf(chain, sequence) };
}

/** @throws GatewayError `CONFLICT` when it is not what the record speaks of. */
export async function readPayload(store: Store, chain: string, sequence: number): Promise<ShownPayload | undefined> {
  if (!CHAIN.test(chain)) return undefined;
  const [[entry], [batch]] = await Promise.all([
    store.read(chain, { from: sequence, limit: 1 }),
    store.list(COLLECTION, { prefix: `${chain}/`, after: keyOf(chain, sequence - 1), limit: 1 }),
  ]);
  const expected = entry?.sequence === sequence ? payloadHashOf(entry.value) : undefined;
  if (batch === undefined || expected === undefined) return undefined;
  const head = `${sequence} `;
  const line = batch.value
    .toString('utf8')
    .split('\n')
    .find((each) => each.startsWith(head));
  const payload = line?.slice(head.length);
  if (payload === undefined || hash('sha256', payload) !== expected)
    throw new GatewayError('CONFLICT', `Cannot show what was kept beside record ${sequence} of "${chain}": it was changed`);
  const { arguments: args, result } = JSON.parse(payload) as ShownPayload;
  return { arguments: args, result };
}

// Keys are in the order of the records.
function keyOf(chain: string, sequence: number): string {
  return `${chain}/${String(sequence).padStart(16, '0')}`;
}

function cut(json: RawJson | undefined, maxBytes: number): string | null {
  if (json === undefined) return null;
  const [only] = json.parts;
  if (only !== undefined && json.parts.length === 1) return only.toString('utf8', 0, maxBytes);
  const pieces: Buffer[] = [];
  let room = maxBytes;
  for (const part of json.parts) {
    if (room <= 0) break;
    pieces.push(part.subarray(0, room));
    room -= part.length;
  }
  return Buffer.concat(pieces).toString('utf8');
}
