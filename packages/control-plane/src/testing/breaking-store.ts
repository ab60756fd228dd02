import { GatewayError, type Store } from '@signalbox/core';

export interface BreakingStore extends Store {
  isAway: boolean;
}

/** A store that can be away. */
export function createBreakingStore(inner: Store): BreakingStore {
  const check = (): void => {
    if (store.isAway) throw new GatewayError('STORE_UNAVAILABLE', 'Cannot reach the store: it is away');
  };
  const store: BreakingStore = {
    ...inner,
    isAway: false,
    get: async (...args) => (check(), inner.get(...args)),
    list: async (...args) => (check(), inner.list(...args)),
    read: async (...args) => (check(), inner.read(...args)),
    span: async (...args) => (check(), inner.span(...args)),
    commit: async (...args) => (check(), inner.commit(...args)),
  };
  return store;
}
