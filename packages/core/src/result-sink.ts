/** What is known of a result when the first of it has arrived. */
export interface ResultHead {
  /** The revision whose shape it has. */
  readonly revision: string;
  /** Its `resultType`, if that stands at its beginning. */
  readonly resultType: string | undefined;
  /** Name of its first member that says what the result is: `content`, `contents`, `messages`, … */
  readonly member: string | undefined;
  /** Bytes of it that have arrived. */
  readonly arrivedBytes: number;
  /** Bytes it has at most; `undefined` when only its end will tell. */
  readonly maxBytes: number | undefined;
}

/** What has to be different about a result for its caller. */
export interface ResultChange {
  /** Members to put in front of its own, as JSON text without braces; may be empty. */
  readonly added: string;
  /** Names of members to leave out. */
  readonly dropped: ReadonlySet<string>;
  /** Names of members that have to be objects: any other value becomes the `value` of one. */
  readonly objects: ReadonlySet<string>;
}

/** Where a flowing result comes from. */
export interface ResultSource {
  /** The sink has room again. */
  resume(): void;
  /** Nobody reads the result any more. */
  stop(): void;
}

/**
 * Where a large result may flow while it arrives, so that nobody has to hold it. It is part of a call: a stage that must
 * see results whole takes it off the call it passes on. Whoever is given a sink need not use it.
 */
export interface ResultSink {
  /** Whether something has left for the caller, who can be given nothing else any more. */
  readonly isBegun: boolean;
  /**
   * Begins, or begins anew while nothing has left. The source then writes the result, changed as asked, and answers the
   * call with `Delivered` when it is whole; if it breaks off, with an error.
   * @returns `undefined` when this result must be collected. May be asked again when more of it is known.
   */
  begin(head: ResultHead, source: ResultSource): ResultChange | undefined;
  /** Takes bytes of the result, which are only lent. */
  write(bytes: Buffer, start: number, end: number): void;
  /** Whether so much waits for the caller that the source should wait for `resume`. What it has at hand is taken all the same. */
  readonly isFull: boolean;
}

/** The same sink for large results only: one that may have no more than so many bytes is collected. */
export function sinkAbove(bytes: number, sink: ResultSink): ResultSink {
  return {
    get isBegun() {
      return sink.isBegun;
    },
    get isFull() {
      return sink.isFull;
    },
    begin: (head, source) => ((head.maxBytes ?? head.arrivedBytes) > bytes ? sink.begin(head, source) : undefined),
    write: (bytes, start, end) => sink.write(bytes, start, end),
  };
}
