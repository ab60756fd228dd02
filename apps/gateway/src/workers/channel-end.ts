import type { ChildProcess } from 'node:child_process';

/**
 * Has Node say `disconnect` at every end of a channel between processes.
 * While the receipt of a handle is outstanding it says nothing, and whoever relies on it never hears that the other is gone.
 */
export function sayEveryEnd(channel: ChildProcess | NodeJS.Process): void {
  let isSaid = false;
  channel.once('disconnect', () => (isSaid = true));
  const disconnect = channel.disconnect!.bind(channel);
  // Node itself calls this at the end.
  channel.disconnect = () => {
    disconnect();
    process.nextTick(() => {
      if (!isSaid) channel.emit('disconnect');
    });
  };
}
