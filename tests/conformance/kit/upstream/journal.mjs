const maxEntries = 2000;

/**
 * What a server has seen: its calls by their nonce, and the notifications it got. Checks read it through a tool, and so
 * see the server that is behind the gateway.
 */
export function createJournal() {
  const calls = new Map();
  const notifications = [];
  const openings = [];
  let total = 0;

  return {
    /** Notes a call that begins. A nonce that comes again is counted in `runs`. */
    begin(nonce, details) {
      total++;
      const call = { nonce, ...details, state: 'running', runs: (calls.get(nonce)?.runs ?? 0) + 1 };
      calls.set(nonce, call);
      if (calls.size > maxEntries) calls.delete(calls.keys().next().value);
      return {
        end: () => call.state === 'running' && (call.state = 'ended'),
        cancel: (reason) => Object.assign(call, { state: 'cancelled', reason }),
      };
    },

    hear(method, params) {
      notifications.push({ method, params });
      if (notifications.length > maxEntries) notifications.shift();
    },

    open(details) {
      openings.push(details);
      if (openings.length > maxEntries) openings.shift();
    },

    /** What is known of one call, and of the notifications that have its nonce somewhere in them. */
    read(nonce) {
      return {
        call: calls.get(nonce) ?? null,
        notifications: notifications.filter((each) => JSON.stringify(each).includes(nonce)),
        lastOpening: openings.at(-1) ?? null,
        openings: openings.length,
        total,
      };
    },
  };
}
