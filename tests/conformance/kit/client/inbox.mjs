/**
 * Messages as they come, for whoever waits for one of them.
 * @returns {{ messages: any[], add: (message: any) => void, waitFor: (wanted: (message: any) => boolean, timeoutMs?: number) => Promise<any> }}
 *   `waitFor` finds a message that is there already, or resolves to `undefined` when none came in time (3 seconds).
 */
export function createInbox() {
  const messages = [];
  const waiting = new Set();
  return {
    messages,

    add(message) {
      messages.push(message);
      for (const each of waiting) each(message);
    },

    waitFor(wanted, timeoutMs = 3000) {
      const there = messages.find(wanted);
      if (there !== undefined) return Promise.resolve(there);
      return new Promise((resolve) => {
        const settle = (message) => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(message);
        };
        const timer = setTimeout(settle, timeoutMs);
        const look = (message) => wanted(message) && settle(message);
        waiting.add(look);
      });
    },
  };
}
