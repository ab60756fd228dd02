/** What a session has called: how often each tool, by upstream and name. */
export interface SessionCalls {
  readonly tools: ReadonlyMap<string, { readonly upstream: string; readonly count: number }>;
}

export interface ClusterOptions {
  /** How many clusters. Default: as many as separate best, from two to twelve. */
  readonly clusters?: number;
  /** The same seed gives the same clusters. Default 1. */
  readonly seed?: number;
}

export interface SessionClusters {
  /** For each session the number of its cluster, from 0. */
  readonly assigned: readonly number[];
  /** For each cluster the tools and servers that tell it from the others most, best first. */
  readonly marks: readonly (readonly string[])[];
  /** From -1 to 1, how much nearer sessions are to their own cluster than to the next: the simplified silhouette. */
  readonly separation: number;
}

type Vector = ReadonlyMap<string, number>;

const STARTS = 4;
const ROUNDS = 30;
const MOST_CLUSTERS = 12;
/** What a server counts beside the tools of it that were called. */
const SERVER_SHARE = 2;
const MARKS = 5;
/** Clusters that are found first, for each that is wanted. */
const PARTS = 4;
const MOST_PARTS = 48;
/** How much better more clusters must separate than fewer. */
const LEAST_GAIN = 0.05;

/**
 * Groups sessions by what they call: spherical k-means over tf-idf of tools and servers, with several starts that are spread out
 * (k-means++), into more parts than are wanted, which are then joined. For idle time: the work is that of sessions × parts × starts.
 */
export function clusterSessions(sessions: readonly SessionCalls[], options: ClusterOptions = {}): SessionClusters {
  const steps = stepwise(sessions, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, with a pause after each start. */
export async function clusterSlowly(sessions: readonly SessionCalls[], pause: () => Promise<void>): Promise<SessionClusters> {
  const steps = stepwise(sessions, {});
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause();
  }
}

function* stepwise(sessions: readonly SessionCalls[], { clusters, seed = 1 }: ClusterOptions): Generator<void, SessionClusters> {
  const vectors = toVectors(sessions);
  if (vectors.length === 0) return { assigned: [], marks: [], separation: 0 };
  const counts = clusters === undefined ? Array.from({ length: MOST_CLUSTERS - 1 }, (_, index) => index + 2) : [Math.max(1, clusters)];
  let best: { readonly fit: Fit; readonly separation: number } | undefined;
  for (const count of counts) {
    if (count > vectors.length) break;
    const fit = yield* fitBest(vectors, count, seed);
    const separation = separationOf(vectors, fit);
    if (best === undefined || separation > best.separation + LEAST_GAIN) best = { fit, separation };
  }
  const { fit, separation } = best ?? { fit: yield* fitBest(vectors, 1, seed), separation: 0 };
  return {
    assigned: fit.assigned,
    separation,
    marks: fit.centers.map((center, index) =>
      marksOf(
        center,
        fit.centers.filter((_, other) => other !== index),
      ),
    ),
  };
}

interface Fit {
  readonly assigned: number[];
  readonly centers: Vector[];
  readonly separation: number;
}

function* fitBest(vectors: readonly Vector[], count: number, seed: number): Generator<void, Fit> {
  let best: Fit | undefined;
  const parts = Math.min(MOST_PARTS, PARTS * count, vectors.length);
  for (let start = 0; start < STARTS; start++) {
    const fit = joinParts(vectors, fitOnce(vectors, parts, createRandom(seed * 7919 + start)), count);
    if (best === undefined || fit.separation > best.separation) best = fit;
    yield;
  }
  return best!;
}

function fitOnce(vectors: readonly Vector[], count: number, random: () => number): Fit {
  let centers = spreadOut(vectors, count, random);
  let assigned: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const next = vectors.map((vector) => nearest(vector, centers));
    const isSettled = next.every((cluster, index) => cluster === assigned[index]);
    assigned = next;
    if (isSettled) break;
    centers = centers.map((center, cluster) => meanOf(vectors.filter((_, index) => assigned[index] === cluster)) ?? center);
  }
  return { assigned, centers, separation: separationOf(vectors, { assigned, centers }) };
}

/**
 * Joins the nearest two clusters until `count` are left. How large they are does not count: kinds of sessions are of very unequal size, and
 * to look for their number at once would cut the large ones up.
 */
function joinParts(vectors: readonly Vector[], { assigned, centers }: Fit, count: number): Fit {
  let joined = centers.map((center, part) => ({ center, parts: [part] }));
  while (joined.length > count) {
    let best = { like: -Infinity, one: 0, other: 1 };
    for (let one = 0; one < joined.length; one++)
      for (let other = one + 1; other < joined.length; other++) {
        const like = dot(joined[one]!.center, joined[other]!.center);
        if (like > best.like) best = { like, one, other };
      }
    const parts = [...joined[best.one]!.parts, ...joined[best.other]!.parts];
    const center = meanOf(vectors.filter((_, index) => parts.includes(assigned[index]!))) ?? joined[best.one]!.center;
    joined = [...joined.filter((_, index) => index !== best.one && index !== best.other), { center, parts }];
  }
  const clusterOf = new Map(joined.flatMap(({ parts }, cluster) => parts.map((part) => [part, cluster] as const)));
  const fit = { assigned: assigned.map((part) => clusterOf.get(part)!), centers: joined.map(({ center }) => center) };
  return { ...fit, separation: separationOf(vectors, fit) };
}

function spreadOut(vectors: readonly Vector[], count: number, random: () => number): Vector[] {
  const centers = [vectors[Math.floor(random() * vectors.length)]!];
  const far = vectors.map((vector) => 1 - dot(vector, centers[0]!));
  while (centers.length < count) {
    let left = random() * far.reduce((sum, each) => sum + Math.max(0, each), 0);
    let index = far.findIndex((each) => (left -= Math.max(0, each)) <= 0);
    if (index < 0) index = Math.floor(random() * vectors.length);
    const center = vectors[index]!;
    centers.push(center);
    for (const [place, vector] of vectors.entries()) far[place] = Math.min(far[place]!, 1 - dot(vector, center));
  }
  return centers;
}

function nearest(vector: Vector, centers: readonly Vector[]): number {
  let [best, most] = [0, -Infinity];
  for (const [index, center] of centers.entries()) {
    const like = dot(vector, center);
    if (like > most) [best, most] = [index, like];
  }
  return best;
}

function separationOf(vectors: readonly Vector[], { assigned, centers }: Omit<Fit, 'separation'>): number {
  if (centers.length < 2) return 0;
  let sum = 0;
  for (const [index, vector] of vectors.entries()) {
    const own = 1 - dot(vector, centers[assigned[index]!]!);
    let other = Infinity;
    for (const [cluster, center] of centers.entries()) if (cluster !== assigned[index]) other = Math.min(other, 1 - dot(vector, center));
    sum += (other - own) / Math.max(1e-9, own, other);
  }
  return sum / vectors.length;
}

// Which server a session mostly works with says most of what it is about; tools, by tf-idf, tell apart what it does there.
function toVectors(sessions: readonly SessionCalls[]): Vector[] {
  const seen = new Map<string, number>();
  for (const { tools } of sessions) for (const tool of tools.keys()) seen.set(tool, (seen.get(tool) ?? 0) + 1);
  return sessions.map(({ tools }) => {
    const ofTools = new Map<string, number>();
    const ofServers = new Map<string, number>();
    for (const [tool, { upstream, count }] of tools) {
      ofTools.set(`tool ${tool}`, (1 + Math.log(count)) * Math.log(1 + sessions.length / seen.get(tool)!));
      ofServers.set(`server ${upstream}`, (ofServers.get(`server ${upstream}`) ?? 0) + count);
    }
    const servers = [...normalized(ofServers)].map(([server, value]) => [server, SERVER_SHARE * value] as const);
    return normalized(new Map([...normalized(ofTools), ...servers]));
  });
}

function meanOf(vectors: readonly Vector[]): Vector | undefined {
  if (vectors.length === 0) return undefined;
  const sum = new Map<string, number>();
  for (const vector of vectors) for (const [feature, value] of vector) sum.set(feature, (sum.get(feature) ?? 0) + value);
  return normalized(sum);
}

function normalized(vector: Vector): Vector {
  let squares = 0;
  for (const value of vector.values()) squares += value * value;
  const length = Math.sqrt(squares) || 1;
  return new Map([...vector].map(([feature, value]) => [feature, value / length]));
}

function dot(one: Vector, other: Vector): number {
  const [small, large] = one.size <= other.size ? [one, other] : [other, one];
  let sum = 0;
  for (const [feature, value] of small) sum += value * (large.get(feature) ?? 0);
  return sum;
}

function marksOf(center: Vector, others: readonly Vector[]): string[] {
  const lead = ([feature, value]: readonly [string, number]) => value - Math.max(0, ...others.map((other) => other.get(feature) ?? 0));
  return [...center]
    .toSorted((a, b) => lead(b) - lead(a) || (a[0] < b[0] ? -1 : 1))
    .slice(0, MARKS)
    .map(([feature]) => feature);
}

function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
