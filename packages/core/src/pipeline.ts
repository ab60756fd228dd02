import type { Call, Next, Stage } from './call.ts';

/** Stages in their order, outermost first. Each `use` states what the call carries from there on. */
export interface Pipeline<First extends Call, Current extends Call> {
  use<Out extends Call>(stage: Stage<Current, Out>): Pipeline<First, Out>;
  /** Closes the chain with what really sends the call and returns the whole as one function. */
  end(send: Next<Current>): Next<First>;
}

/**
 * Starts a chain of stages. A stage that needs something an earlier one adds does not compile before it.
 * The chain is joined once: a call creates no closure and no promise of its own.
 */
export function createPipeline<First extends Call>(): Pipeline<First, First> {
  return extend<First, First>([]);
}

function extend<First extends Call, Current extends Call>(stages: readonly Stage<never, never>[]): Pipeline<First, Current> {
  return {
    use: <Out extends Call>(stage: Stage<Current, Out>) => extend<First, Out>([...stages, stage as unknown as Stage<never, never>]),
    end: (send) => {
      let next = send as unknown as Next<never>;
      for (const stage of stages.toReversed()) {
        const inner = next;
        next = (call: never) => stage(call, inner);
      }
      return next as unknown as Next<First>;
    },
  };
}
