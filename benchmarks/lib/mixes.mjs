/** Deterministic numbers from 0 to 1 (xorshift32). */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4_294_967_296;
  };
}

/** Numbers from 0 that follow Zipf's law: the first is asked for most. */
export function createZipf(count, exponent, random) {
  const sums = new Float64Array(count);
  let total = 0;
  for (let rank = 1; rank <= count; rank += 1) sums[rank - 1] = total += rank ** -exponent;
  return () => {
    const wanted = random() * total;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** What caches are asked for, by the name of the traffic: `uses` numbers of things each. */
export function createMixes(uses) {
  const repeat = (next) => Array.from({ length: uses }, (_, index) => next(index));
  const zipf = (seed, count, exponent) => createZipf(count, exponent, createRandom(seed));
  return {
    'Zipf 0.9': () => repeat(zipf(1, 100_000, 0.9)),
    'Zipf 0.7': () => repeat(zipf(2, 100_000, 0.7)),
    'Zipf 1.1': () => repeat(zipf(3, 20_000, 1.1)),
    'Zipf 0.9 with scans': () => {
      const next = zipf(4, 100_000, 0.9);
      return repeat((index) => (index % 35_000 < 20_000 ? next() : 1_000_000 + index));
    },
    'Zipf 0.9 that moves': () => {
      const next = zipf(5, 20_000, 0.9);
      return repeat((index) => next() + Math.floor(index / 40_000) * 7_000);
    },
    'round and round': () => repeat((index) => index % 12_000),
    'rounds and Zipf': () => {
      const random = createRandom(6);
      const next = zipf(7, 30_000, 0.8);
      return repeat((index) => (random() < 0.5 ? 1_000_000 + (index % 15_000) : next()));
    },
    'again soon or never': () => againSoon(uses),
    'sessions of agents': () => sessions(uses),
    'twice each': () => twice(uses),
  };
}

function againSoon(uses) {
  const random = createRandom(8);
  // The newest is at the end.
  const recent = [];
  let fresh = 0;
  return Array.from({ length: uses }, () => {
    const depth = Math.floor(-Math.log(1 - random()) * 1_500);
    const isAgain = depth < recent.length && random() < 0.95;
    const key = isAgain ? recent.splice(recent.length - 1 - depth, 1)[0] : fresh++;
    recent.push(key);
    if (recent.length > 20_000) recent.splice(0, 5_000);
    return key;
  });
}

// Each works for a while on forty things of its own, and now and then on what all do.
function sessions(uses) {
  const random = createRandom(9);
  const open = [];
  let begun = 0;
  return Array.from({ length: uses }, () => {
    while (open.length < 200) open.push({ first: 40 * begun++, left: 100 + Math.floor(random() * 200) });
    const at = Math.floor(random() * open.length);
    const session = open[at];
    const key = random() < 0.3 ? 1_000_000_000 + Math.floor(random() * random() * 5_000) : session.first + Math.floor(random() ** 2 * 40);
    if (--session.left === 0) open.splice(at, 1);
    return key;
  });
}

function twice(uses) {
  const random = createRandom(10);
  const waiting = [];
  let fresh = 0;
  return Array.from({ length: uses }, () => {
    const isAgain = waiting.length > 1_200 || (waiting.length > 0 && random() < 0.5);
    if (isAgain) return waiting.splice(Math.floor(random() * waiting.length), 1)[0];
    waiting.push(fresh);
    return fresh++;
  });
}
