import { createHook } from 'node:async_hooks';
import { acceptLast } from '@signalbox/protocol';

/** A socket that listens, as libuv knows it. */
interface ListeningHandle {
  listen?(backlog: number): number;
  getsockname?(address: { address?: string; port?: number }): number;
  onconnection?: (status: number, client: unknown) => void;
  close(): void;
}

/**
 * What cluster listens with in the process that starts workers. Node shows it to nobody but those who watch how handles are made;
 * without it, whoever connects while the last worker closes is reset.
 */
export class ClusterListener {
  readonly #handles: ListeningHandle[] = [];
  readonly #hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'TCPSERVERWRAP') this.#handles.push(resource as ListeningHandle);
    },
  }).enable();
  #found: { readonly handle: ListeningHandle; readonly address: { readonly address: string; readonly port: number } } | undefined;
  readonly #listeners = new Set<() => void>();
  /** Connections accepted since it was found. */
  accepted = 0;

  /** Looks for it among the handles made by now. */
  find(port: number): void {
    this.#hook.disable();
    for (const handle of this.#handles.splice(0)) {
      const address: { address?: string; port?: number } = {};
      const { onconnection } = handle;
      if (handle.getsockname?.(address) !== 0 || address.port !== port || onconnection === undefined) continue;
      handle.onconnection = (status, client) => {
        if (status === 0) this.accepted++;
        onconnection.call(handle, status, client);
        for (const listener of this.#listeners) listener();
      };
      this.#found = { handle, address: { address: address.address ?? '', port } };
    }
  }

  /** Accepts everybody who has connected, and nobody from then on. */
  async end(): Promise<void> {
    if (this.#found === undefined) return;
    const { handle, address } = this.#found;
    const watch = (listener: () => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    };
    await acceptLast({ handle, address, watch });
    handle.close();
  }
}
