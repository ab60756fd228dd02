import { createMemoryStore } from '../../packages/storage/src/index.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';

describeStore('memory', { open: async () => createMemoryStore(), isShared: false, runs: 100 });
