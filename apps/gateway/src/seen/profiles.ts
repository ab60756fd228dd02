import { Session } from 'node:inspector/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProfileKind } from '@signalbox/control-plane';
import { GatewayError } from '@signalbox/core';

const MIN_SECONDS = 1;
const MAX_SECONDS = 60;
const HEAP_INTERVAL_BYTES = 32_768;

export interface Profiles {
  /** @throws GatewayError `CONFLICT` while another profile is taken, `INVALID_PARAMS` for a time out of bounds. */
  profile(kind: ProfileKind, seconds: number): Promise<string>;
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
  return { profile: (kind, seconds) => take(seconds, (session) => (kind === 'cpu' ? takeCpu : takeHeap)(session, seconds)) };
}

async function takeCpu(session: Session, seconds: number): Promise<unknown> {
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  await wait(seconds * 1_000);
  return (await session.post('Profiler.stop')).profile;
}

async function takeHeap(session: Session, seconds: number): Promise<unknown> {
  await session.post('HeapProfiler.enable');
  await session.post('HeapProfiler.startSampling', { samplingInterval: HEAP_INTERVAL_BYTES });
  await wait(seconds * 1_000);
  return (await session.post('HeapProfiler.stopSampling')).profile;
}
