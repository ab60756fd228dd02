/** The store of tests. By its path, as this package needs no store of its own. */
export { createMemoryStore } from '../../../storage/src/store/memory-store.ts';
