import { defineConfig } from 'vitest/config';

// Workspace packages resolve to their sources, so a test never runs against a stale build.
const fromSource = {
  resolve: { conditions: ['signalbox-source'] },
  ssr: { resolve: { conditions: ['signalbox-source', 'node'] } },
};
const node = { environment: 'node', testTimeout: 20_000, hookTimeout: 30_000 } as const;
// Gateways that live for a moment have no use for it, and hundreds of them start.
const cold = { env: { SIGNALBOX_WARM_UP: 'off' } };

const INSIDE = ['packages/{core,data-plane,learning}/src/**/*.test.ts'];
const THREADS = ['packages/learning/src/learner/{start-learner,processor-time}.test.ts'];
const OUTSIDE = ['packages/{control-plane,protocol,security,storage,tools}/src/**/*.test.ts', '{modules,apps}/*/src/**/*.test.ts'];

export default defineConfig({
  test: {
    // One more than cores: many files wait for programs most of the time.
    maxWorkers: 3,
    projects: [
      // Imports cost more than the tests of packages that reach nothing outside, so the files that a worker runs share them.
      { ...fromSource, test: { ...node, isolate: false, name: 'unit', include: INSIDE, exclude: THREADS } },
      { ...fromSource, test: { ...node, name: 'unit-io', include: [...OUTSIDE, ...THREADS] } },
      { ...fromSource, test: { ...node, name: 'storage', include: ['tests/storage/**/*.test.ts'], testTimeout: 30_000 } },
      { test: { ...node, name: 'floors', include: ['tests/floors.test.ts'] } },
      { ...fromSource, test: { ...node, ...cold, name: 'e2e', include: ['tests/e2e/**/*.test.ts'], testTimeout: 60_000 } },
      { ...fromSource, test: { ...node, ...cold, name: 'seen', include: ['tests/seen/**/*.test.ts'], testTimeout: 60_000 } },
      { ...fromSource, test: { ...node, ...cold, name: 'faults', include: ['tests/faults/**/*.test.ts'], testTimeout: 120_000 } },
      { test: { ...node, ...cold, name: 'conformance', include: ['tests/conformance/**/*.test.ts'], testTimeout: 300_000 } },
    ],
  },
});
