import fc from 'fast-check';

/** Bytes together with an arbitrary way to cut them into chunks. */
export function splits(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<{ readonly whole: Buffer; readonly chunks: readonly Buffer[] }> {
  return bytes.chain((whole) =>
    fc.array(fc.nat(whole.length), { maxLength: 12 }).map((cuts) => {
      const edges = [0, ...cuts.toSorted((left, right) => left - right), whole.length];
      return { whole, chunks: edges.slice(1).map((edge, index) => Buffer.from(whole.subarray(edges[index], edge))) };
    }),
  );
}
