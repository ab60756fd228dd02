import type { ResultChange, ResultHead, ResultSink, ResultSource } from '@signalbox/core';
import { addedBytes } from '../messages/answer-reader.ts';
import { changeToRevision } from '../revisions/convert.ts';
import type { Reply, ResultWriter } from './reply.ts';

/** Where the result of one request may flow while it arrives: into its reply, in the shape of its client's revision. */
export class ReplySink implements ResultSink {
  readonly #reply: Reply;
  readonly #revision: string;
  readonly #method: string;
  #writer: ResultWriter | undefined;

  constructor(reply: Reply, { revision, method }: { readonly revision: string; readonly method: string }) {
    this.#reply = reply;
    this.#revision = revision;
    this.#method = method;
  }

  get isBegun(): boolean {
    return this.#writer?.isBegun === true;
  }

  get isFull(): boolean {
    return this.#writer?.isFull === true;
  }

  begin(head: ResultHead, source: ResultSource): ResultChange | undefined {
    const change = changeToRevision(head, this.#revision, this.#method);
    if (change === undefined) return undefined;
    const maxBytes = head.maxBytes === undefined ? undefined : head.maxBytes + addedBytes(change);
    this.#writer = this.#reply.begin?.({ maxBytes }, source);
    return this.#writer === undefined ? undefined : change;
  }

  write(bytes: Buffer, start: number, end: number): void {
    this.#writer?.write(bytes, start, end);
  }
}
