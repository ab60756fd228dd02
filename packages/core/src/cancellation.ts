/**
 * Tells everyone who works on a call that its caller no longer wants it.
 * It stands in for `AbortSignal` on the path of a call, where creating one costs more than the rest of a stage.
 */
export class Cancellation {
  #listeners: Set<(reason: string) => void> | undefined;
  #reason: string | undefined;

  /** Why the call was cancelled, or `undefined` while it is wanted. */
  get reason(): string | undefined {
    return this.#reason;
  }

  get isCancelled(): boolean {
    return this.#reason !== undefined;
  }

  /** Cancels once; later calls change nothing. */
  cancel(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners) for (const listener of listeners) listener(reason);
  }

  /** Calls `listener` once on cancellation, at once if that has happened. Returns its own stop function. */
  watch(listener: (reason: string) => void): () => void {
    if (this.#reason !== undefined) {
      listener(this.#reason);
      return () => undefined;
    }
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
}
