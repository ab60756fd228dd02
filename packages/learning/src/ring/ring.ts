/**
 * A way from one thread to another through shared memory: one writes, one reads, nobody locks and nobody waits. A record that finds
 * no room is dropped and counted, so a reader that is slow, hung or dead costs the writer nothing.
 */
export interface Ring {
  /** Handed to the other thread as it is. */
  readonly memory: SharedArrayBuffer;
}

// The head of the memory, in words of 32 bits. Both positions run on and wrap at 2^32; each is written by one side only.
const HEAD = 0;
const TAIL = 1;
const WRITTEN = 2;
const DROPPED = 3;
const HEADER_BYTES = 64;
const LENGTH_BYTES = 4;
/** In place of a length: the rest up to the end of the memory is empty. */
const SKIP = 0xff_ff_ff_ff;
/** Of the room, what is kept for what is rare. */
const RARE_SHARE = 1 / 16;
const MIN_BYTES = 1024;
const MAX_BYTES = 1 << 30;

/** @param options.bytes Room for records; raised to a power of two. At most 1 GiB. */
export function createRing({ bytes }: { readonly bytes: number }): Ring {
  let capacity = MIN_BYTES;
  while (capacity < bytes && capacity < MAX_BYTES) capacity *= 2;
  return { memory: new SharedArrayBuffer(HEADER_BYTES + capacity) };
}

export interface RingWriter {
  /** Whether so little room is left that it should be kept for what is rare. */
  readonly isCrowded: boolean;
  /** Counts a record that was not even made. */
  drop(): void;
  /** Copies a record into the ring. @returns `false` when there was no room and it was dropped. */
  write(record: Uint8Array): boolean;
}

/** The side that writes. There must be one only. */
export function openRingWriter({ memory }: Ring): RingWriter {
  const { control, data, view, capacity } = partsOf(memory);
  let head = Atomics.load(control, HEAD) >>> 0;
  return {
    get isCrowded() {
      return (head - (Atomics.load(control, TAIL) >>> 0)) >>> 0 > (1 - RARE_SHARE) * capacity;
    },
    drop: () => void Atomics.add(control, DROPPED, 1),
    write: (record) => {
      const room = align(LENGTH_BYTES + record.length);
      const at = head % capacity;
      const skipped = at + room > capacity ? capacity - at : 0;
      const used = (head - (Atomics.load(control, TAIL) >>> 0)) >>> 0;
      if (used + skipped + room > capacity) {
        Atomics.add(control, DROPPED, 1);
        return false;
      }
      if (skipped > 0) view.setUint32(at, SKIP, true);
      const start = skipped > 0 ? 0 : at;
      view.setUint32(start, record.length, true);
      data.set(record, start + LENGTH_BYTES);
      head = (head + skipped + room) >>> 0;
      // Only now may the reader look: this store is behind all that was written before it.
      Atomics.store(control, HEAD, head | 0);
      Atomics.add(control, WRITTEN, 1);
      return true;
    },
  };
}

export interface RingReader {
  /**
   * Gives the records that are there to `take`, oldest first, at most `limit` of them. Each is a view on the ring, which holds
   * only until `take` returns.
   * @returns how many.
   */
  read(take: (record: Uint8Array) => void, limit: number): number;
  /** Whether a record waits. */
  readonly hasMore: boolean;
}

/** The side that reads. There must be one only; a new one goes on where the last one was. */
export function openRingReader({ memory }: Ring): RingReader {
  const { control, data, view, capacity } = partsOf(memory);
  return {
    read: (take, limit) => {
      let tail = Atomics.load(control, TAIL) >>> 0;
      const head = Atomics.load(control, HEAD) >>> 0;
      let count = 0;
      while (tail !== head && count < limit) {
        const at = tail % capacity;
        const length = view.getUint32(at, true);
        if (length === SKIP) tail = (tail + capacity - at) >>> 0;
        else {
          count++;
          tail = (tail + align(LENGTH_BYTES + length)) >>> 0;
          try {
            take(data.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length));
          } catch (error) {
            // What could not be read must not come again.
            Atomics.store(control, TAIL, tail | 0);
            throw error;
          }
        }
      }
      Atomics.store(control, TAIL, tail | 0);
      return count;
    },
    get hasMore() {
      return Atomics.load(control, TAIL) !== Atomics.load(control, HEAD);
    },
  };
}

export interface RingCounts {
  /** Records that were written; wraps at 2^32. */
  readonly written: number;
  readonly dropped: number;
  readonly usedBytes: number;
  readonly capacity: number;
}

/** Either side may ask. */
export function readRingCounts({ memory }: Ring): RingCounts {
  const { control, capacity } = partsOf(memory);
  return {
    written: Atomics.load(control, WRITTEN) >>> 0,
    dropped: Atomics.load(control, DROPPED) >>> 0,
    usedBytes: (Atomics.load(control, HEAD) - Atomics.load(control, TAIL)) >>> 0,
    capacity,
  };
}

function partsOf(memory: SharedArrayBuffer) {
  const capacity = memory.byteLength - HEADER_BYTES;
  return {
    control: new Int32Array(memory, 0, HEADER_BYTES / 4),
    data: new Uint8Array(memory, HEADER_BYTES),
    view: new DataView(memory, HEADER_BYTES),
    capacity,
  };
}

function align(length: number): number {
  return (length + 3) & ~3;
}
