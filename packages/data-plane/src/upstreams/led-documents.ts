/** Documents of the one process that decides, where several serve one port. */
export interface LeadDocuments {
  /** Calls `listener` for each document that is new, in the order they were written. Returns its own stop function. */
  watch(listener: (key: string, document: unknown) => void): () => void;
  /** Tells the process that decides that a server of this one says a list of its changed, which its own of that name may not. */
  listChanged(upstream: string, method: string): void;
}

/** What is made of documents, kept for as long as neither the document nor what it is for changes. */
export class LedDocuments<For, Value> {
  readonly #read: (document: unknown, purpose: For) => Value;
  readonly #documents = new Map<string, unknown>();
  readonly #made = new Map<string, { readonly document: unknown; readonly purpose: For; readonly value: Value }>();

  constructor(read: (document: unknown, purpose: For) => Value) {
    this.#read = read;
  }

  put(key: string, document: unknown): void {
    this.#documents.set(key, document);
  }

  /** The same value as before while nothing has changed. */
  get(key: string, purpose: For): Value {
    const document = this.#documents.get(key);
    const made = this.#made.get(key);
    if (made !== undefined && made.document === document && made.purpose === purpose) return made.value;
    const value = this.#read(document, purpose);
    this.#made.set(key, { document, purpose, value });
    return value;
  }
}
