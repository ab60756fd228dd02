import { GatewayError, RawJson, toOutcome, type Answer, type Awaitable, type Clock, type Outcome } from '@signalbox/core';
import { MODERN_REVISION, changeTaskIdAround, joinParams, readCreatedTask, type Connection, type TaskState } from '@signalbox/protocol';
import type { AdviceGuard } from '../advice-guard.ts';
import type { TargetedCall } from '../stages/call-stages.ts';
import { withTraceParent } from '../stages/trace-context.ts';
import type { Upstream } from './upstream.ts';

export interface SendOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly advice?: AdviceGuard | undefined;
  readonly clock: Clock;
}

/** Takes the upstream's connection and sends the call over it: the one place that does. */
export function createSend(options: SendOptions): (call: TargetedCall) => Awaitable<Answer> {
  return (call) => {
    const upstream = options.upstream(call.target.upstream);
    if (upstream === undefined)
      throw new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot call "${call.target.upstream}": it was removed`, {
        data: { upstream: call.target.upstream, state: 'stopped', sent: false },
      });
    if (call.client.logLevel !== 'off' && call.emit !== undefined) upstream.wishes.wantLogLevel(call.client.logLevel);
    const { timeouts } = upstream.desired.config;
    const leftMs = call.deadlineMs - options.clock.monotonic();
    if (leftMs <= 0)
      throw new GatewayError('DEADLINE_EXCEEDED', `Cannot call "${upstream.name}": its deadline passed while it waited`, {
        data: { upstream: upstream.name, phase: 'queue', sent: false },
      });
    const waitMs = Math.min(leftMs, timeouts.spawnMs + timeouts.handshakeMs);
    const timeoutMs = Math.min(leftMs, timeouts.callMs, worthMs(options.advice, call));
    const connection = upstream.connection(waitMs);
    const send = (shared: Connection) =>
      upstream.isolated.isNeeded(call, shared) ? sendIsolated(upstream, call, { waitMs, timeoutMs }) : request(shared, call, timeoutMs);
    const answer = connection instanceof Promise ? connection.then(send) : send(connection);
    openNext(options, call);
    return answer;
  };
}

// While one upstream works, the connection to the next is opened.
function openNext({ advice, upstream }: SendOptions, call: TargetedCall): void {
  const ask = call.session && advice?.current()?.upstreamAfter;
  if (ask === undefined || call.method !== 'tools/call' || call.isAhead) return;
  const name = advice!.ask(() => ask(call.target.upstream, call.target.name));
  if (name !== undefined && call.surface.shows(name)) upstream(name)?.openAhead(call);
}

// Advice may only shorten a wait.
function worthMs(advice: AdviceGuard | undefined, { target }: TargetedCall): number {
  const ask = advice?.current()?.timeoutMs;
  const ms = ask && advice.ask(() => ask(target.upstream, target.name));
  return ms ?? Number.POSITIVE_INFINITY;
}

async function sendIsolated(
  upstream: Upstream,
  call: TargetedCall,
  { waitMs, timeoutMs }: { readonly waitMs: number; readonly timeoutMs: number },
): Promise<Answer> {
  const { connection, release, hold } = await upstream.isolated.take(call, waitMs);
  const ask = call.ask && changeTaskIdAround(call.ask, (id) => upstream.isolated.nameTask(id, call));
  let task: TaskState | undefined;
  try {
    const answer = await request(connection, { ...call, ask }, timeoutMs);
    if (call.taskEnd !== undefined) task = readCreatedTask(toOutcome(answer));
    return answer;
  } finally {
    if (task === undefined) release();
    else hold(task.id, call.taskEnd!);
  }
}

function request(connection: Connection, call: TargetedCall, timeoutMs: number): Promise<Answer> {
  if (call.isNotification) return Promise.resolve(tell(connection, call));
  const { method, client, principal, session, ask, cancellation, emit, wantsProgress, offersTask, taskEnd, sink } = call;
  const params = tracedParams(call);
  // A connection does not begin what is cancelled before it begins.
  if (!cancellation.isCancelled) call.trace.isSent = true;
  const request = { method, params, client, principal, session, ask, cancellation, timeoutMs, emit, wantsProgress, offersTask, taskEnd };
  return sink === undefined || connection.pour === undefined || isNeededWhole(call)
    ? connection.request(request)
    : connection.pour(request, sink);
}

function tell(connection: Connection, call: TargetedCall): Outcome {
  const { method, client, principal, session } = call;
  const params = tracedParams(call);
  call.trace.isSent = true;
  connection.notify({ method, params: params.size === 0 ? undefined : joinParams(params) }, { client, principal, session });
  return TOLD;
}

function tracedParams({ params, trace: { context } }: TargetedCall): TargetedCall['params'] {
  return context === undefined ? params : withTraceParent(params, context);
}

const TOLD: Outcome = {
  kind: 'result',
  result: RawJson.fromValue({ resultType: 'complete' }),
  resultType: 'complete',
  isError: false,
  revision: MODERN_REVISION,
};

// A task is known by its result.
function isNeededWhole({ offersTask, taskEnd }: TargetedCall): boolean {
  return offersTask === true || taskEnd !== undefined;
}
