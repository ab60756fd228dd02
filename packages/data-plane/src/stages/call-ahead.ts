import {
  Cancellation,
  toMessage,
  type AheadAdvice,
  type Answer,
  type CalledTool,
  type Clock,
  type Logger,
  type Next,
  type PlannedCall,
  type RawJson,
  type Target,
} from '@signalbox/core';
import { canonicalText, toParams } from '@signalbox/protocol';
import type { AdviceGuard } from '../advice-guard.ts';
import { AheadTrials } from '../ahead/ahead-trials.ts';
import { describeSources, takeArguments } from '../ahead/argument-sources.ts';
import { Conversations, type AheadCall, type Conversation } from '../ahead/conversations.ts';
import { isPlain } from '../answers/answer-key.ts';
import { isCallableAhead } from '../answers/cacheable-tools.ts';
import type { CatalogView } from '../catalog/catalog-view.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { AnswerCounts } from './cache.ts';
import type { SurfaceCall, TargetedCall, TargetedStage, Whole } from './call-stages.ts';

export interface CallAheadOptions {
  /** Absent where nobody advises. */
  readonly advice: AdviceGuard | undefined;
  readonly upstream: (name: string) => Upstream | undefined;
  readonly counts: AnswerCounts;
  /** Most calls made ahead in vain, for each one of the same upstream that somebody asked for. */
  readonly maxAheadShare: number;
  /** The whole path. */
  readonly dispatch: Next<SurfaceCall>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is not used up of the budget of an upstream is kept for so many calls. */
const MOST_SAVED = 10;
const MAX_UPSTREAMS = 1_000;
/** Longest wait for an answer that nobody may want, in milliseconds. */
const DEADLINE_MS = 30_000;

/**
 * Makes the call that most conversations make next, once the one before has ended, so that its answer is in the cache when somebody asks:
 * only where answers are kept and the tool reads, for the same caller, over the whole path, and taken back when something else is called.
 * Tells the journal after which calls each one came, and where its arguments stood by then.
 */
export function callAhead(options: CallAheadOptions): TargetedStage {
  const { advice } = options;
  if (advice === undefined) return (call, next) => next(call);
  const stage = new CallAheadStage({ ...options, advice });
  return (call, next) => {
    const ahead = call.method === 'tools/call' && !call.isAhead ? advice.current()?.ahead : undefined;
    if (ahead === undefined || isBuiltIn(call.target.upstream) || !isPlain(call)) return next(call);
    return stage.call(call, next, ahead);
  };
}

type Advised = CallAheadOptions & { readonly advice: AdviceGuard };

class CallAheadStage {
  readonly #options: Advised;
  readonly #conversations = new Conversations();
  readonly #budgets = new Map<string, Budget>();
  readonly #names = new WeakMap<CatalogView, ReadonlyMap<Target, string>>();

  constructor(options: Advised) {
    this.#options = options;
  }

  call(call: TargetedCall, next: Next<TargetedCall>, ahead: AheadAdvice) {
    const conversation = this.#conversations.of({
      session: call.session?.id,
      principal: call.principal,
      client: call.client.info?.name,
    });
    const { upstream: name, name: tool, definition } = call.target;
    const args = call.params.get('arguments');
    const upstream = this.#options.upstream(name);
    const isCallable = upstream !== undefined && isCallableAhead(call.target, upstream);
    const after = conversation.last;
    if (after.length > 0) {
      const describe = () => describeSources(args?.value, conversation, { hashOf: ahead.hashOf, inputSchema: definition?.inputSchema });
      call.trace.step = { after, sources: isCallable ? this.#options.advice.ask(describe) : undefined };
    }
    const budget = this.#budgetOf(name);
    budget.left += this.#options.maxAheadShare;
    if (isCallable && conversation.take({ upstream: name, tool, argsText: textOf(args) })) {
      this.#options.counts.ahead.used += 1;
      budget.trials.use();
      budget.left += 1;
    }
    budget.left = Math.min(MOST_SAVED, budget.left);
    const end = (answer: Answer): Answer => {
      conversation.cancel();
      if (isGood(answer)) {
        conversation.end({ upstream: name, tool }, args, answer);
        // Its answer goes out first.
        setImmediate(() => this.#planSafely(call, conversation));
      }
      return answer;
    };
    const answer = next(call);
    return answer instanceof Promise ? answer.then(end) : end(answer);
  }

  // Nobody is there to hear of an error, and the process must not.
  #planSafely(call: TargetedCall, conversation: Conversation): void {
    try {
      this.#plan(call, conversation);
    } catch (error) {
      this.#options.logger.error('no call could be made ahead', { callId: call.id, error: toMessage(error) });
    }
  }

  #plan(call: TargetedCall, conversation: Conversation): void {
    const { advice, upstream: upstreamOf, counts } = this.#options;
    const current = advice.current();
    const ahead = current?.ahead;
    if (ahead === undefined || call.surface.isGone) return;
    const plan = advice.ask(() => ahead.after(conversation.last));
    const upstream = plan && upstreamOf(plan.upstream);
    if (upstream === undefined || !isIdle(upstream)) return;
    const target = call.surface.viewFor(call.session).toolOf(plan!.upstream, plan!.tool);
    if (target === undefined || !isCallableAhead(target, upstream)) return;
    // Who is held back has few calls, which are for what is really asked.
    const asked = { principal: call.principal, upstream: target.upstream, tool: target.name };
    if ((advice.ask(() => current!.restraints?.(asked)) ?? []).length > 0) return;
    const taken = advice.ask(() => takeArguments(plan!.sources, conversation, ahead));
    if (taken === undefined) return;
    const params = toParams({ name: this.#nameOf(call, target), arguments: taken.args });
    const argsText = textOf(params.get('arguments'));
    const budget = this.#budgetOf(plan!.upstream);
    if (
      conversation.ahead.some((known) => isSameTool(known, plan!) && known.argsText === argsText) ||
      budget.left < 1 ||
      !budget.trials.take()
    )
      return;
    budget.left -= 1;
    counts.ahead.made += 1;
    const made: AheadCall = { upstream: target.upstream, tool: target.name, argsText, cancellation: new Cancellation(), isOver: false };
    conversation.add(made);
    void this.#make(call, { upstream, params, made });
  }

  async #make(
    call: TargetedCall,
    { upstream, params, made }: { readonly upstream: Upstream; readonly params: TargetedCall['params']; readonly made: AheadCall },
  ): Promise<void> {
    const { clock, dispatch } = this.#options;
    const { callMs } = upstream.desired.config.timeouts;
    const ahead: Whole<SurfaceCall> = {
      method: 'tools/call',
      params,
      client: call.client,
      principal: call.principal,
      session: call.session,
      ask: undefined,
      cancellation: made.cancellation,
      emit: undefined,
      wantsProgress: false,
      mirrored: undefined,
      sink: undefined,
      id: `${call.id}-ahead`,
      priority: 'batch',
      deadlineMs: clock.monotonic() + Math.min(callMs, DEADLINE_MS),
      surface: call.surface,
      isFound: call.surface.isSearched,
      isNotification: false,
      isAhead: true,
    };
    try {
      await dispatch(ahead);
    } catch {
      // What became of it stands in its record.
    } finally {
      made.isOver = true;
    }
  }

  #budgetOf(upstream: string): Budget {
    let budget = this.#budgets.get(upstream);
    if (budget === undefined) {
      this.#budgets.set(upstream, (budget = { left: 0, trials: new AheadTrials(this.#options.clock) }));
      if (this.#budgets.size > MAX_UPSTREAMS) this.#budgets.delete(this.#budgets.keys().next().value!);
    }
    return budget;
  }

  #nameOf({ surface, session }: TargetedCall, target: Target): string {
    const view = surface.viewFor(session);
    let names = this.#names.get(view);
    if (names === undefined) this.#names.set(view, (names = new Map([...view.tools].map(([name, each]) => [each, name]))));
    return names.get(target) ?? target.name;
  }
}

interface Budget {
  /** Calls that may be made ahead, until some of them are used. */
  left: number;
  readonly trials: AheadTrials;
}

function textOf(args: RawJson | undefined): string {
  return args === undefined ? '' : canonicalText(args.bytes);
}

function isGood(answer: Answer): boolean {
  return answer.kind !== 'error' && !answer.isError && answer.resultType === 'complete';
}

// Half of the slots are for what somebody has asked for, and where calls go one by one nothing stands before them.
function isIdle({ state, queue, desired: { config } }: Upstream): boolean {
  const isOneByOne = config.sequential === true || (config.sequential !== false && config.sequential.length > 0);
  const most = isOneByOne ? 0 : Math.floor((config.maxConcurrent - 1) / 2);
  return state === 'ready' && queue.queued === 0 && queue.inFlight <= most;
}

function isSameTool(one: CalledTool, other: PlannedCall): boolean {
  return one.upstream === other.upstream && one.tool === other.tool;
}
