/** Which documents hold a term, and how much it weighs in each. Documents are added one after the other, then it is only read. */
export class Postings<Term extends string | number> {
  readonly #ids = new Map<Term, number>();
  readonly #held: number[] = [];
  // Of the document that is being added: how much of each term, and of which terms there is any.
  readonly #amounts: number[] = [];
  #touched: number[] = [];
  // What was added, document by document: its terms with their amounts.
  readonly #ends: number[] = [];
  #addedIds: number[] = [];
  #addedAmounts: number[] = [];
  // What is read, term by term: documents with their weights.
  #from = new Uint32Array(1);
  #documents = new Uint32Array(0);
  #weights = new Float32Array(0);

  /** How many documents there are. */
  get size(): number {
    return this.#ends.length;
  }

  /** The number under which a term is added. */
  idOf(term: Term): number {
    let id = this.#ids.get(term);
    if (id === undefined) {
      this.#ids.set(term, (id = this.#held.push(0) - 1));
      this.#amounts.push(0);
    }
    return id;
  }

  /** Adds terms to the document that is being added, each `amount` times. */
  add(ids: readonly number[], amount: number): void {
    for (const id of ids) {
      if (this.#amounts[id] === 0) this.#touched.push(id);
      this.#amounts[id]! += amount;
    }
  }

  endDocument(): void {
    for (const id of this.#touched) {
      this.#held[id]!++;
      this.#addedIds.push(id);
      this.#addedAmounts.push(this.#amounts[id]!);
      this.#amounts[id] = 0;
    }
    this.#touched = [];
    this.#ends.push(this.#addedIds.length);
  }

  /**
   * Ends the adding.
   * @param weigh The weight of a term of which there is `amount` in a document, and any in `share` documents.
   */
  weigh(weigh: (amount: number, document: number, share: number) => number): void {
    this.#from = new Uint32Array(this.#held.length + 1);
    for (const [id, count] of this.#held.entries()) this.#from[id + 1] = this.#from[id]! + count;
    this.#documents = new Uint32Array(this.#addedIds.length);
    this.#weights = new Float32Array(this.#addedIds.length);
    const next = this.#from.slice();
    let index = 0;
    for (const [document, end] of this.#ends.entries()) {
      for (; index < end; index++) {
        const id = this.#addedIds[index]!;
        const place = next[id]!++;
        this.#documents[place] = document;
        this.#weights[place] = weigh(this.#addedAmounts[index]!, document, this.#held[id]!);
      }
    }
    this.#addedIds = [];
    this.#addedAmounts = [];
  }

  /** Makes the squares of the weights of each document add up to 1. */
  normalize(): void {
    const squares = new Float32Array(this.size);
    for (let place = 0; place < this.#weights.length; place++) squares[this.#documents[place]!]! += this.#weights[place]! ** 2;
    for (let place = 0; place < this.#weights.length; place++) this.#weights[place]! /= Math.sqrt(squares[this.#documents[place]!]!);
  }

  /** How many documents hold a term. */
  shareOf(term: Term): number {
    return this.#held[this.#ids.get(term) ?? -1] ?? 0;
  }

  /** Adds the weights of a term like `addTo`, and remembers which documents had a score of 0 before. */
  addToFew(scores: Float32Array, term: Term, touched: number[]): void {
    const id = this.#ids.get(term);
    if (id === undefined) return;
    const end = this.#from[id + 1]!;
    for (let place = this.#from[id]!; place < end; place++) {
      const document = this.#documents[place]!;
      if (scores[document] === 0) touched.push(document);
      scores[document]! += this.#weights[place]!;
    }
  }

  /** Adds `factor` times the weight of a term to the score of each document that holds it. */
  addTo(scores: Float32Array, term: Term, factor: number): void {
    const id = this.#ids.get(term);
    if (id === undefined) return;
    const end = this.#from[id + 1]!;
    for (let place = this.#from[id]!; place < end; place++) scores[this.#documents[place]!]! += factor * this.#weights[place]!;
  }
}
