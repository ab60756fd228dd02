import { createMemoryStore } from '../../packages/storage/src/index.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { seal } from './support/seal.ts';

describeStore('memory', { open: async () => createMemoryStore(), isShared: false, runs: 100 });
describeStore('sealed memory', { open: () => seal(createMemoryStore()), isShared: false });
