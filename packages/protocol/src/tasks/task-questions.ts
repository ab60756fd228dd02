import { RawJson, type Ask, type Awaitable, type Cancellation, type ErrorOutcome, type Outcome, type Params } from '@signalbox/core';
import { withParams } from '../messages/encode.ts';
import { readMember } from '../messages/members.ts';
import { HANDSHAKE_REVISIONS } from '../revisions/revisions.ts';
import { readText } from './task-ids.ts';
import { readMembers, withRelatedTask, withoutRelatedTask, writeMembers, type Members } from './task-objects.ts';

/** Who can be asked about a task, and where the answers go. */
export interface TaskAsker {
  /** Name the task as its server knows it. */
  readonly params: Params;
  /** The task's id as the client knows it. */
  readonly publicId: string;
  /** Absent when the client cannot be asked. */
  readonly ask: Ask | undefined;
  readonly cancellation: Cancellation;
  /** Sends a request to the task's server. */
  readonly send: (method: string, params: Params) => Awaitable<Outcome>;
}

/** The questions of a task, and the keys of those that were asked before. */
export interface OpenQuestions {
  readonly requests: RawJson | undefined;
  readonly asked: Set<string>;
}

const DISMISSED: Outcome = {
  kind: 'result',
  result: RawJson.fromValue({ action: 'cancel' }),
  resultType: 'complete',
  isError: false,
  revision: HANDSHAKE_REVISIONS[0],
};

/**
 * Asks the client what a task of the extension wants to know, each question once, and brings the answers to the task.
 * Does nothing for a client that cannot be asked: its task waits until it is cancelled or its time is over.
 * @returns the refusal of the client or the server, when there is one that the task cannot go on from.
 */
export async function answerQuestions(asker: TaskAsker, { requests, asked }: OpenQuestions): Promise<ErrorOutcome | undefined> {
  if (asker.ask === undefined || requests === undefined) return undefined;
  const open = [...readMembers(requests)].filter(([key]) => !asked.has(key));
  if (open.length === 0) return undefined;
  for (const [key] of open) asked.add(key);
  const answers = await Promise.all(open.map(([, request]) => askClient(asker, request)));
  const responses: Members = new Map();
  for (const [index, answer] of answers.entries()) {
    if (answer.kind === 'error') return answer;
    responses.set(open[index]![0], withoutRelatedTask(answer.result));
  }
  const updated = await asker.send('tasks/update', withParams(asker.params, { inputResponses: writeMembers(responses) }));
  return updated.kind === 'error' ? updated : undefined;
}

async function askClient({ ask, cancellation, publicId }: TaskAsker, request: RawJson): Promise<Outcome> {
  const method = readText(request, 'method') ?? '';
  const question = withRelatedTask(readMember(request, 'params'), publicId);
  const answer = await ask!({ method, params: question, cancellation });
  // A form can be left without an answer; for a sample or a list of folders there is no such word.
  return answer.kind === 'error' && method === 'elicitation/create' ? DISMISSED : answer;
}
