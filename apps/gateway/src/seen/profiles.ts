import { Session } from 'node:inspector/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '@signalbox/core';

const MIN_SECONDS = 1;
const MAX_SECONDS = 60;
const HEAP_INTERVAL_BYTES = 32_768;

export interface Profiles {
  /** @throws GatewayError `CONFLICT` while another profile is taken, `INVALID_PARAMS` for a time out of bounds. */
  cpu(seconds: number): Promise<string>;
  heap(seconds: number): Promise<string>;
}

/** Takes profiles of this process, one at a time. */
export function createProfiles(): Profiles {
  let isBusy = false;
  const take = async (seconds: number, profile: (session: Session) => Promise<unknown>): Promise<string> => {
    if (!(seconds >= MIN_SECONDS && seconds <= MAX_SECONDS))
      throw new GatewayError('INVALID_PARAMS', `Cannot take a profile of ${seconds} s: it may last ${MIN_SECONDS} to ${MAX_SECONDS} s`);
    if (isBusy) throw new GatewayError('CONFLICT', 'Cannot take a profile: another one is being taken');
    isBusy = true;
    const session = new Session();
    try {
      session.connect();
      return JSON.stringify(await profile(session));
    } finally {
      session.disconnect();
      isBusy = false;
    }
  };
  return {
    cpu: (seconds) =>
      take(seconds, async (session) => {
        await session.post('Profiler.enable');
        await session.post('Profiler.start');
        await wait(seconds * 1_000);
        return (await session.post('Profiler.stop')).profile;
      }),
    heap: (seconds) =>
      take(seconds, async (session) => {
        await session.post('HeapProfiler.enable');
        await session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL_BYTES });
        await wait(seconds * 1_000);
        return (await session.post('HeapProfiler.stopSampling')).profile;
      }),
  };
}
