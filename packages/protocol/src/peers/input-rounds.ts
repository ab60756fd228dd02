import { GatewayError, RawJson, isObject, type Answer, type Outcome, type ResultOutcome } from '@signalbox/core';
import { withParams } from '../messages/encode.ts';
import { readMember } from '../messages/members.ts';
import type { OutgoingRequest } from './peer.ts';

/** Rounds of questions a server may need for one call. */
const MAX_ROUNDS = 32;

/**
 * Goes on with a call of a handshake client that a modern server answered with `input_required`: asks the client what the
 * server wants to know, in requests of its own, and makes the call again with the answers until it is complete.
 * @param first The answer to the call as it was made first. @param options.again Makes it again. @throws GatewayError as it does; `MISSING_CAPABILITY` naming what the client cannot
 * be asked; `UPSTREAM_PROTOCOL` when the server's questions have no form or no end.
 */
export function withAnswers(first: Promise<Answer>, request: OutgoingRequest, options: RoundOptions): Promise<Answer> {
  return first.then((outcome) =>
    outcome.kind === 'result' && outcome.resultType === 'input_required' ? goOn(outcome, request, options) : outcome,
  );
}

export interface RoundOptions {
  readonly upstream: string;
  readonly again: (request: OutgoingRequest) => Promise<Answer>;
}

async function goOn(first: Answer, request: OutgoingRequest, options: RoundOptions): Promise<Answer> {
  let outcome = first;
  for (let round = 0; outcome.kind === 'result' && outcome.resultType === 'input_required'; round++) {
    if (round >= MAX_ROUNDS) throw misfit(options.upstream, `it wants input for more than ${MAX_ROUNDS} rounds`);
    const answers = await askAll(outcome, request, options.upstream);
    if (answers.kind === 'error') return answers;
    const requestState = readMember(outcome.result, 'requestState');
    outcome = await options.again({
      ...request,
      params: withParams(request.params, { inputResponses: answers.result, requestState }),
    });
  }
  return outcome;
}

/** What one question of the client came to. */
type Answers = { readonly kind: 'answers'; readonly result: RawJson | undefined } | Extract<Outcome, { kind: 'error' }>;

async function askAll({ result }: ResultOutcome, request: OutgoingRequest, upstream: string): Promise<Answers> {
  const requests = readMember(result, 'inputRequests');
  if (requests === undefined) return { kind: 'answers', result: undefined };
  const asked = requests.object;
  if (asked === undefined) throw misfit(upstream, 'its "inputRequests" is no object');
  const outcomes = await Promise.all(
    Object.keys(asked).map(async (key) => [key, await askOne(requests, key, { request, upstream })] as const),
  );
  const parts: Buffer[] = [];
  for (const [key, outcome] of outcomes) {
    // A client that refuses to answer ends the call with its own words; there is no form in which the server could be told.
    if (outcome.kind === 'error') return outcome;
    parts.push(Buffer.from(`${parts.length === 0 ? '{' : ','}${JSON.stringify(key)}:`), outcome.result.bytes);
  }
  return {
    kind: 'answers',
    result: RawJson.fromBytes(Buffer.concat([...(parts.length === 0 ? [Buffer.from('{')] : parts), Buffer.from('}')])),
  };
}

function askOne(
  requests: RawJson,
  key: string,
  { request, upstream }: { readonly request: OutgoingRequest; readonly upstream: string },
): Promise<Outcome> {
  const question = readMember(requests, key);
  const method: unknown = question?.object?.['method'];
  if (question === undefined || typeof method !== 'string') throw misfit(upstream, `its input request "${key}" names no method`);
  const params = readMember(question, 'params');
  if (params !== undefined && !isObject(params.value)) throw misfit(upstream, `the params of its input request "${key}" are no object`);
  if (request.ask === undefined) {
    throw new GatewayError(
      'MISSING_CAPABILITY',
      `Cannot complete "${request.method}": upstream "${upstream}" asks "${method}", and this client declared nothing that it can be asked`,
      {
        data: { upstream, requiredCapabilities: { [method.split('/')[0]!]: {} } },
      },
    );
  }
  return request.ask({ method, params, cancellation: request.cancellation });
}

function misfit(upstream: string, why: string): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', `Cannot understand upstream "${upstream}": ${why}`, { data: { upstream, phase: 'input' } });
}
