/** Mean and spread of the last values of a series, kept as they come and go. */
export class SlidingWindow {
  readonly #values: Float64Array;
  #next = 0;
  #count = 0;
  #sum = 0;
  #squares = 0;

  constructor(length: number) {
    this.#values = new Float64Array(length);
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** Standard deviation. */
  get spread(): number {
    return Math.sqrt(Math.max(0, this.#squares / Math.max(1, this.#count) - this.mean ** 2));
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const old = this.#values[this.#next]!;
      this.#sum -= old;
      this.#squares -= old * old;
    } else this.#count++;
    this.#values[this.#next] = value;
    this.#sum += value;
    this.#squares += value * value;
    this.#next = (this.#next + 1) % this.#values.length;
  }

  /** Sums first, as they hold the rounding of all that has passed; then what is in the window, oldest first. */
  save(): number[] {
    const start = this.#count === this.#values.length ? this.#next : 0;
    const values = Array.from({ length: this.#count }, (_, index) => this.#values[(start + index) % this.#values.length]!);
    return [this.#sum, this.#squares, ...values];
  }

  load([sum = 0, squares = 0, ...values]: readonly number[]): void {
    this.#values.fill(0);
    this.#values.set(values);
    this.#count = values.length;
    this.#next = values.length % this.#values.length;
    this.#sum = sum;
    this.#squares = squares;
  }
}
