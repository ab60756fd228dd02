import { RawJson, type Delivered, type ResultSink, type ResultSource } from '@signalbox/core';
import { AnswerReader, peekAnswer } from '../messages/answer-reader.ts';
import { ByteCollector } from '../messages/byte-collector.ts';
import { readInteger } from '../messages/integer.ts';
import { isHandshake } from '../revisions/revisions.ts';
import { protocolFault } from './upstream-errors.ts';

/** Below so many bytes an answer is collected: it costs less than letting it flow, and every stage sees it whole. */
export const MIN_FLOW_BYTES = 16_384;
// Where the beginning of a message does not show a result within so many bytes, it is collected.
const MAX_PEEK_BYTES = 65_536;

export interface ResultFlowOptions {
  /** Id of the request. */
  readonly id: number;
  readonly upstream: string;
  readonly revision: string;
  readonly sink: ResultSink;
  readonly source: ResultSource;
  /** Length of the message in bytes, if it is known beforehand. */
  readonly length: number | undefined;
}

/** Takes an answer piece by piece: its result goes to the sink as soon as the beginning allows it, otherwise all is collected. */
export class ResultFlow {
  readonly #options: ResultFlowOptions;
  readonly #collector = new ByteCollector();
  // The beginning is looked at again when twice as much of it is there; looking at every piece would take the square of its length.
  #askAtBytes: number;
  #reader: AnswerReader | undefined;
  #isTypeNeeded = false;

  constructor(options: ResultFlowOptions) {
    this.#options = options;
    const { length } = options;
    this.#askAtBytes = length === undefined ? MIN_FLOW_BYTES : length < MIN_FLOW_BYTES ? Infinity : 0;
  }

  /** Takes a piece, which is only lent. @throws GatewayError `UPSTREAM_PROTOCOL` when what flows turns out to be no answer. */
  push(bytes: Buffer, start: number, end: number): void {
    if (this.#reader !== undefined) return this.#read(this.#reader, bytes, start, end);
    const { length } = this.#options;
    const arrived = this.#collector.length + end - start;
    if (arrived < this.#askAtBytes) return this.#collector.push(bytes, { start, end }, length);
    // Most answers show their result in the first piece, so nothing of them is ever collected.
    if (this.#collector.length === 0 && this.#begin(bytes, start, end)) return;
    this.#collector.push(bytes, { start, end }, length);
    const { collected } = this.#collector;
    if (collected.length > end - start && this.#begin(collected, 0, collected.length)) this.#collector.take();
  }

  /** The answer is whole. @returns the message, if it did not flow. @throws GatewayError `UPSTREAM_PROTOCOL` */
  finish(): Delivered | Buffer {
    if (this.#reader === undefined) return this.#collector.take();
    const { id, resultType, isError } = this.#checked(() => this.#reader!.finish());
    if (!this.#isOurs(id)) throw this.#fault('it is an answer to another request');
    // What it is decides who has to deal with it, and that was guessed from its first member.
    if (this.#isTypeNeeded && resultType !== 'complete') throw this.#fault(`it began as a complete result and ended as "${resultType}"`);
    return { kind: 'delivered', resultType, isError };
  }

  #begin(bytes: Buffer, start: number, end: number): boolean {
    const { revision, sink, source, length } = this.#options;
    const found = peekAnswer(bytes, start, end);
    if (found === 'other' || (found === undefined && end - start > MAX_PEEK_BYTES)) return this.#giveUp();
    if (found === undefined) return this.#askLater(end - start);
    const { resultAt, id, resultType, member } = found;
    if (id !== undefined && !this.#isOurs(id)) return this.#giveUp();
    // At least the closing brace of the message stands behind the result.
    const maxBytes = length === undefined ? undefined : length - resultAt - 1;
    const change = sink.begin({ revision, resultType, member, arrivedBytes: end - start - resultAt, maxBytes }, source);
    if (change === undefined) {
      return length === undefined ? this.#askLater(end - start) : this.#giveUp();
    }
    this.#isTypeNeeded = !isHandshake(revision);
    this.#reader = new AnswerReader(change, (piece, from, to) => sink.write(piece, from, to));
    this.#read(this.#reader, bytes, start, end);
    return true;
  }

  #askLater(seenBytes: number): boolean {
    this.#askAtBytes = 2 * seenBytes;
    return false;
  }

  #giveUp(): boolean {
    this.#askAtBytes = Infinity;
    return false;
  }

  #read(reader: AnswerReader, bytes: Buffer, start: number, end: number): void {
    this.#checked(() => reader.push(bytes, start, end));
  }

  #checked<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      throw error instanceof SyntaxError ? this.#fault(error.message) : error;
    }
  }

  #isOurs(id: string | undefined): boolean {
    return id !== undefined && readInteger(RawJson.fromBytes(Buffer.from(id, 'latin1'))) === this.#options.id;
  }

  #fault(reason: string): Error {
    return protocolFault(this.#options.upstream, `the answer broke off while it was passed on: ${reason}`);
  }
}
