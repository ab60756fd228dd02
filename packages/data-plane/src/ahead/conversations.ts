import { RawJson, type Answer, type CalledTool, type Cancellation, type SearchCaller } from '@signalbox/core';
import { isKept, type KnownValues } from './argument-sources.ts';
import { EndedCall, MAX_RESULT_BYTES } from './ended-call.ts';

/** A call that was made before anybody asked for it. */
export interface AheadCall extends CalledTool {
  /** Of its arguments; the same for the same ones. */
  readonly argsText: string;
  readonly cancellation: Cancellation;
  isOver: boolean;
}

/** Conversations that are remembered; of more than these, those that called last are. */
const MAX_CONVERSATIONS = 200;
/** Of one conversation: calls, names of arguments, and calls made ahead. */
const MAX_CALLS = 3;
const MAX_NAMED = 32;
const MAX_AHEAD = 8;
const MAX_ARGUMENT_BYTES = 4_096;

const NOT_WANTED = 'something else was called';

/** What one conversation has called of late. Arguments and results stay here, in memory, and are bounded. */
export class Conversation implements KnownValues {
  readonly calls: EndedCall[] = [];
  readonly named = new Map<string, unknown>();
  readonly ahead: AheadCall[] = [];

  /** The tools that were called last, the last one first, as far as the next call is planned by them. */
  get last(): readonly CalledTool[] {
    return this.calls.slice(0, 2).map(({ tool }) => tool);
  }

  /** Remembers a call that went well. */
  end(tool: CalledTool, args: RawJson | undefined, answer: Answer): void {
    const given = args !== undefined && (args.knownByteLength ?? 0) <= MAX_ARGUMENT_BYTES ? args.object : undefined;
    for (const name of Object.keys(given ?? {})) {
      const value = given![name];
      this.named.delete(name);
      if (!isKept(value)) continue;
      this.named.set(name, value);
      if (this.named.size > MAX_NAMED) this.named.delete(this.named.keys().next().value!);
    }
    this.calls.unshift(new EndedCall(tool, given ?? {}, toKept(answer)));
    if (this.calls.length > MAX_CALLS) this.calls.pop();
  }

  /** Remembers a call made ahead; those before it that nobody has asked for make room. */
  add(call: AheadCall): void {
    this.ahead.push(call);
    if (this.ahead.length > MAX_AHEAD) this.ahead.shift()!.cancellation.cancel(NOT_WANTED);
  }

  /** @returns whether a call was made ahead; it is none of them any more. */
  take({ upstream, tool, argsText }: Omit<AheadCall, 'cancellation' | 'isOver'>): boolean {
    const index = this.ahead.findIndex((call) => call.upstream === upstream && call.tool === tool && call.argsText === argsText);
    if (index >= 0) this.ahead.splice(index, 1);
    return index >= 0;
  }

  /** Takes back what is still on its way: something else was called. */
  cancel(): void {
    for (const call of this.ahead.splice(0)) {
      if (call.isOver) this.ahead.push(call);
      else call.cancellation.cancel(NOT_WANTED);
    }
  }
}

/** The conversations that called last. */
export class Conversations {
  readonly #all = new Map<string, Conversation>();

  of({ session, principal, client }: SearchCaller): Conversation {
    const key = session ?? `${principal}\n${client ?? ''}`;
    const conversation = this.#all.get(key) ?? new Conversation();
    // Behind all others.
    this.#all.delete(key);
    this.#all.set(key, conversation);
    if (this.#all.size > MAX_CONVERSATIONS) this.#all.delete(this.#all.keys().next().value!);
    return conversation;
  }
}

// Bytes as they arrived are a part of something larger, which would stay in memory with them.
function toKept(answer: Answer): RawJson | undefined {
  if (answer.kind !== 'result') return undefined;
  const { result } = answer;
  const bytes = result.knownByteLength;
  if (bytes === undefined) return result.byteLength > MAX_RESULT_BYTES ? undefined : result;
  return bytes > MAX_RESULT_BYTES ? undefined : RawJson.fromBytes(Buffer.from(result.bytes));
}
