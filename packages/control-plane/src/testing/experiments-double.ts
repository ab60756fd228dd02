import { GatewayError } from '@signalbox/core';
import type { ExperimentBody, ExperimentRequest, ExperimentsPart } from '../learning-part.ts';

/** Experiments that nothing is counted of; there is one, "github", which has ended. */
export function createExperimentsDouble(): ExperimentsPart {
  const kept = new Map<string, ExperimentBody>();
  const find = (name: string): ExperimentBody => {
    const found = kept.get(name);
    if (found === undefined) throw new GatewayError('UNKNOWN_NAME', `There is no experiment "${name}"`);
    return found;
  };
  const put = (body: ExperimentBody) => {
    kept.set(body.name, body);
    return { hasChanged: true, experiment: body };
  };
  put({
    ...toBody({
      name: 'github',
      kind: 'ranking',
      goal: 'success',
      share: 0.1,
      alpha: 0.05,
      horizon: 2_000,
      minStageSeconds: 0,
      guards: [],
    }),
    stage: 'demoted',
  });
  return {
    list: async () => ({ experiments: [...kept.values()] }),
    get: async (name) => find(name),
    start: async (request) => {
      const known = kept.get(request.name);
      if (known === undefined) return put(toBody(request));
      if (known.kind !== request.kind) throw new GatewayError('CONFLICT', `There is an experiment "${request.name}" already`);
      return { hasChanged: false, experiment: known };
    },
    steer: async (name, command) => {
      const before = find(name);
      const isFrozen = command === 'stop' ? before.isFrozen : command === 'freeze';
      const stage = command === 'stop' ? 'demoted' : before.stage;
      if (isFrozen === before.isFrozen && stage === before.stage) return { hasChanged: false, experiment: before };
      return put({ ...before, isFrozen, stage });
    },
    remove: async (name) => {
      if (find(name).stage !== 'demoted') throw new GatewayError('CONFLICT', `Cannot remove "${name}"; stop it first`);
      kept.delete(name);
    },
  };
}

function toBody(request: ExperimentRequest): ExperimentBody {
  return {
    ...request,
    stage: 'canary',
    version: 1,
    isFrozen: false,
    shareInForce: request.share,
    startedAtMs: 1,
    sinceMs: 1,
    sessions: { control: 0, candidate: 0 },
    isBalanced: true,
    metrics: [],
    steps: [{ version: 1, atMs: 1, stage: 'canary', reason: 'it is new' }],
  };
}
