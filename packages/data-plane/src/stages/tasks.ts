import {
  Cancellation,
  GatewayError,
  wholly,
  type Answer,
  type Awaitable,
  type Clock,
  type Next,
  type Notification,
  type Outcome,
  type RawJson,
} from '@signalbox/core';
import {
  changeTaskId,
  changeTaskIdIn,
  clientTaskForm,
  crossCreatedTask,
  crossTask,
  mayBeTask,
  planTaskCall,
  readCreatedTask,
  readTask,
  serverTaskForm,
  type TaskForm,
} from '@signalbox/protocol';
import type { TaskNote } from '../tasks/task-table.ts';
import type { Tasks } from '../tasks/tasks.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface TaskStageOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly tasks: Pick<Tasks, 'table' | 'kept'>;
  readonly clock: Clock;
}

const INVALID_PARAMS = -32602;
// Without a way to be asked a call goes over the connection that all share, where its task is found again by later requests.
const SHARED = { ask: undefined } as const;

/**
 * Carries tasks between a client and the upstream that runs them, whichever form each side has for them: what the client
 * sees are ids of ours, and one request of it may take several to the upstream, each of which is tried and admitted by itself.
 */
export function carryTasks(options: TaskStageOptions): TargetedStage {
  return (call, next) => {
    if (!mayBeTask(call.method, call.params, call.client)) return next(call);
    return call.method === 'tools/call' ? callTool(options, call, next) : askAboutTask(options, call, wholly(next));
  };
}

function callTool(options: TaskStageOptions, call: TargetedCall, next: Next<TargetedCall>) {
  const server = options.upstream(call.target.upstream)?.manifest;
  if (server === undefined) return next(call);
  const plan = planTaskCall({ ...call, server, definition: call.target.definition, isAskable: call.ask !== undefined });
  const { params, form, offersTask, isCrossing } = plan;
  if (form === undefined) return next(params === call.params ? call : { ...call, params });
  const serverForm = serverTaskForm(server);
  const asked: TargetedCall = { ...call, params, offersTask, fallbacks: alike(options, call, serverForm) };
  const wish = call.params.get('task');
  if (form === 'extension' && serverForm === 'extension') return callAlike(options, asked, next);
  if (serverForm === 'extension') return callExtension(options, asked, { form, wish, next: wholly(next) });
  return callCore(options, isCrossing ? { ...asked, ...SHARED } : asked, { form, wish, next: wholly(next) });
}

/** Makes a call whose result comes whole. */
type Whole = (call: TargetedCall) => Awaitable<Outcome>;

interface TaskCallOptions {
  /** How the client speaks of tasks. */
  readonly form: TaskForm;
  /** What the client said of the task it wants. */
  readonly wish: RawJson | undefined;
  readonly next: Whole;
}

// A result that flows to its caller is complete: a task is never taken for one, however large it is.
async function callAlike(options: TaskStageOptions, call: TargetedCall, next: Next<TargetedCall>): Promise<Answer> {
  const answer = await next(call);
  return answer.kind === 'result' && answer.resultType === 'task' ? begin(options, call, { outcome: answer, form: 'extension' }) : answer;
}

// The server decides what becomes a task, and a client that is used to deciding itself gets one in any case.
async function callExtension(options: TaskStageOptions, call: TargetedCall, { form, wish, next }: TaskCallOptions): Promise<Outcome> {
  const outcome = await next(call);
  if (outcome.kind === 'error') return outcome;
  if (outcome.resultType === 'task') return begin(options, call, { outcome, form });
  return outcome.resultType === 'complete' ? options.tasks.kept.keep(outcome, call, wish) : outcome;
}

// What goes on after the answer of a handshake server is tied to the end of its task.
async function callCore(options: TaskStageOptions, call: TargetedCall, { form, next }: TaskCallOptions): Promise<Outcome> {
  const taskEnd = new Cancellation();
  let outcome: Outcome | undefined;
  try {
    outcome = await next({ ...renamingTasks(options, call), taskEnd });
    return outcome.kind === 'error' ? outcome : begin(options, call, { outcome, form, taskEnd });
  } finally {
    if (outcome === undefined || readCreatedTask(outcome) === undefined) taskEnd.cancel('there is no task');
  }
}

interface Beginning {
  readonly outcome: Extract<Outcome, { kind: 'result' }>;
  readonly form: TaskForm;
  readonly taskEnd?: Cancellation;
}

function begin(options: TaskStageOptions, call: TargetedCall, { outcome, form, taskEnd }: Beginning): Outcome {
  const created = readCreatedTask(outcome);
  if (created === undefined) return outcome;
  const note = taskEnd === undefined ? created : { ...created, end: taskEnd };
  const { publicId } = options.tasks.table.see({ upstream: answeredBy(call), id: created.id }, call, note);
  const isAlike = (outcome.resultType === 'task') === (form === 'extension');
  return changeTaskId(call.method, isAlike ? outcome : crossCreatedTask(outcome, form), { from: created.id, to: publicId });
}

async function askAboutTask(options: TaskStageOptions, call: TargetedCall, next: Whole): Promise<Outcome> {
  const { ref, publicId } = call.task!;
  if (ref.kept !== undefined) return options.tasks.kept.answer(call);
  const server = options.upstream(ref.upstream)?.manifest;
  const form = clientTaskForm(call.client);
  const serverForm = server && serverTaskForm(server);
  const isAlike = form === undefined || serverForm === undefined || form === serverForm;
  const outcome = isAlike
    ? await next(renamingTasks(options, call))
    : await crossTask({ ...call, ask: call.ask, form, publicId, ...createLine(options, call, next) });
  takeNote(options, call, outcome);
  return changeTaskId(call.method, outcome, { from: ref.id, to: publicId });
}

// How the steps of a crossing reach the upstream: each as a call of its own, and the last one begun within the budget of one.
function createLine({ upstream, clock }: TaskStageOptions, call: TargetedCall, next: Whole) {
  const budgetMs = upstream(call.target.upstream)?.desired.config.timeouts.callMs ?? Number.POSITIVE_INFINITY;
  const untilMs = Math.min(call.deadlineMs, clock.monotonic() + budgetMs);
  const isToExtension = clientTaskForm(call.client) === 'core';
  const step: TargetedCall = { ...call, wantsProgress: false, ...(isToExtension ? { offersTask: true } : SHARED) };
  return {
    send: (method: string, params: TargetedCall['params']) => next({ ...step, method, params }),
    wait: (delayMs: number) => {
      if (clock.monotonic() + delayMs < untilMs) return waitUnlessCancelled(clock, call.cancellation, delayMs);
      throw new GatewayError('DEADLINE_EXCEEDED', 'The task has not ended in the time a call may take; ask for its result again', {
        data: { upstream: call.target.upstream, phase: 'task', budgetMs },
      });
    },
  };
}

function takeNote({ tasks: { table } }: TaskStageOptions, call: TargetedCall, outcome: Outcome): void {
  const { ref, publicId } = call.task!;
  const see = (note: TaskNote) => table.see(ref, call, { ...note, publicId });
  if (outcome.kind === 'result') see(call.method === 'tasks/result' ? { isOver: true } : (readTask(outcome.result) ?? {}));
  else if (call.method === 'tasks/get' && outcome.error.code === INVALID_PARAMS) table.forget(see({}));
}

// Whatever comes on the call's own stream may name its task, even before the answer does.
function renamingTasks({ tasks: { table } }: TaskStageOptions, call: TargetedCall): TargetedCall {
  const { emit, task } = call;
  if (emit === undefined) return call;
  const name = (id: string) => (id === task?.ref.id ? task.publicId : table.see({ upstream: answeredBy(call), id }, call).publicId);
  return { ...call, emit: (notification: Notification) => emit(changeTaskIdIn(notification, name)) };
}

// A fallback may have answered in place of the target.
function answeredBy({ trace, target }: TargetedCall): string {
  return trace.upstream ?? target.upstream;
}

// The call is written for servers that have tasks in one form, so only those can take the place of another.
function alike({ upstream }: TaskStageOptions, { fallbacks }: TargetedCall, form: TaskForm | undefined): TargetedCall['fallbacks'] {
  return fallbacks.filter((target) => {
    const server = upstream(target.upstream)?.manifest;
    return server !== undefined && serverTaskForm(server) === form;
  });
}

function waitUnlessCancelled(clock: Clock, cancellation: Cancellation, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopWatching = (): void => undefined;
    const stopTimer = clock.after(delayMs, () => {
      stopWatching();
      resolve();
    });
    stopWatching = cancellation.watch((reason) => {
      stopTimer();
      reject(new GatewayError('CANCELLED', `Cancelled while the task went on: ${reason}`));
    });
  });
}
