import { PerformanceObserver, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { ProcessReading } from '@signalbox/control-plane';
import type { RecordReader } from './journal.ts';
import { LatencySketch, type LatencyCounts } from './latency-sketch.ts';
import { createProfiles, type Profiles } from './profiles.ts';

export interface Monitor extends RecordReader, Profiles {
  read(): ProcessReading;
  /** Calls of each upstream by name over the last minutes; those of none under `NOBODY`. */
  latencies(): ReadonlyMap<string, LatencyCounts>;
  close(): void;
}

/** So much of the past is in a reading, five times. */
const TURN_MS = 60_000;
const RESOLUTION_MS = 20;
/** What has no upstream is counted under a name that none can have. */
export const NOBODY = '';

/** Watches how this process fares, and how long calls of each upstream take. */
export function createMonitor(): Monitor {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const gc = { count: 0, totalMs: 0, maxMs: 0 };
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gc.count++;
      gc.totalMs += duration;
      gc.maxMs = Math.max(gc.maxMs, duration);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const sketches = new Map<string, LatencySketch>();
  let utilized = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    delay.reset();
    utilized = performance.eventLoopUtilization();
    for (const [name, sketch] of sketches) {
      if (sketch.isEmpty) sketches.delete(name);
      else sketch.turn();
    }
  }, TURN_MS).unref();
  const profiles = createProfiles();
  return {
    name: 'monitor',
    write: ({ upstream = NOBODY, durationMs }) => {
      let sketch = sketches.get(upstream);
      if (sketch === undefined) sketches.set(upstream, (sketch = new LatencySketch()));
      sketch.add(durationMs);
    },
    read: () => {
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      return {
        pid: process.pid,
        eventLoop: {
          delayP50Ms: delayMs(delay.percentile(50)),
          delayP99Ms: delayMs(delay.percentile(99)),
          delayMaxMs: delayMs(delay.max),
          utilization: performance.eventLoopUtilization(utilized).utilization,
        },
        cpu: { userSeconds: user / 1e6, systemSeconds: system / 1e6 },
        memory: { rssBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external },
        gc: { ...gc },
      };
    },
    latencies: () => new Map([...sketches].map(([name, sketch]) => [name, sketch.total()])),
    profile: profiles.profile,
    close: () => {
      clearInterval(timer);
      delay.disable();
      observer.disconnect();
    },
  };
}

// The histogram holds times between two looks, which are meant to be as far apart as its resolution.
function delayMs(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) : 0;
}
