/** Foretells a high quantile of the next value of a series, such as how long the next call may take. */
export interface QuantileForecast {
  /** What the next value stays below with the wanted probability; `undefined` before anything is known. */
  predict(): number | undefined;
  observe(value: number): void;
}

export interface QuantileForecastOptions {
  /** Default 0.95. */
  readonly level?: number;
  /** Values that are remembered. Default 800. */
  readonly window?: number;
}

/** How fast each expert follows the series, where 1 stands for the last value and 0 for what lies in the window, and how restless it was. */
const EXPERTS = [
  { pace: 1, restless: 0 },
  { pace: 1, restless: 0.03 },
  { pace: 0.5, restless: 0 },
  { pace: 0.5, restless: 0.03 },
  { pace: 0.2, restless: 0 },
  { pace: 0.2, restless: 0.03 },
  { pace: 0.05, restless: 0 },
  { pace: 0, restless: 0 },
];
/** How much worse an expert's losses make it count. */
const RATE = 1;
/** One loss counts no more than this many usual errors. */
const MOST_LOSS = 3;
const SHARED = 0.001;
const LEVEL_PACE = 0.005;
const LEAST_UNREST = 0.05;
const LEAST_VALUES = 8;
/** An error beyond so many times what is usual says no more; a series that has hardly moved would make numbers of any size of it. */
const MOST_RELATIVE = 1e9;

/**
 * Mixes experts that each follow the series at a pace of its own and add what they were usually off by; how much each counts is learned
 * from its losses, and the level is corrected until values stay below as often as is wanted (Gibbs and Candès, "Adaptive Conformal
 * Inference under Distribution Shift", 2021).
 */
export function createQuantileForecast({ level = 0.95, window = 800 }: QuantileForecastOptions = {}): QuantileForecast {
  const experts = EXPERTS.map((each) => ({ ...each, mean: 0, unrest: 0, errors: createSortedWindow(window), weight: 1 / EXPERTS.length }));
  let own = level;
  let count = 0;
  let scale = 0;

  const sayOf = ({ pace, restless, mean, unrest, errors }: (typeof experts)[number], at: number): number =>
    (pace === 0 ? 0 : mean) + (restless === 0 ? 1 : unrest) * errors.at(at);
  const predict = (): number | undefined => {
    if (count === 0) return undefined;
    let sum = 0;
    for (const expert of experts) sum += expert.weight * sayOf(expert, own);
    return sum;
  };

  return {
    predict,
    observe: (value) => {
      if (!Number.isFinite(value)) return;
      const said = predict();
      if (said !== undefined && count >= LEAST_VALUES) {
        const target = Math.min(0.999, Math.max(0.5, own));
        let whole = 0;
        for (const expert of experts) {
          const off = value - sayOf(expert, target);
          const loss = off >= 0 ? level * off : (level - 1) * off;
          whole += expert.weight *= Math.exp(-RATE * Math.min(MOST_LOSS, scale === 0 ? 0 : loss / scale));
        }
        for (const expert of experts) expert.weight = ((1 - SHARED) * expert.weight) / whole + SHARED / experts.length;
        own = Math.min(0.999, Math.max(0.5, own + LEVEL_PACE * (value > said ? level : level - 1)));
      }
      const off = Math.abs(value - (experts[2]!.mean || value));
      scale += Math.max(0.01, 1 / (count + 1)) * (off - scale);
      for (const expert of experts) {
        const error = expert.pace === 0 ? value : count === 0 ? 0 : value - expert.mean;
        if (expert.restless === 0) expert.errors.add(error);
        else {
          const relative = error / expert.unrest;
          if (Number.isFinite(relative)) expert.errors.add(Math.min(MOST_RELATIVE, Math.max(-MOST_RELATIVE, relative)));
          expert.unrest += Math.max(expert.restless, 1 / (count + 1)) * (Math.abs(error) - expert.unrest);
          // A series that stood still may move again.
          expert.unrest = Math.max(expert.unrest, LEAST_UNREST * scale);
        }
        expert.mean = count === 0 ? value : expert.mean + expert.pace * (value - expert.mean);
      }
      count++;
    },
  };
}

/** The last values, in order of their size. */
function createSortedWindow(length: number) {
  const recent: number[] = [];
  const sorted: number[] = [];
  let next = 0;
  const placeOf = (value: number): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    add: (value: number): void => {
      if (recent.length === length) {
        sorted.splice(placeOf(recent[next]!), 1);
        recent[next] = value;
        next = (next + 1) % length;
      } else recent.push(value);
      sorted.splice(placeOf(value), 0, value);
    },
    /** The value that a share of all lie below, between two where need be. */
    at: (share: number): number => {
      if (sorted.length === 0) return 0;
      const place = share * (sorted.length - 1);
      const low = Math.floor(place);
      const high = Math.min(sorted.length - 1, low + 1);
      return sorted[low]! + (place - low) * (sorted[high]! - sorted[low]!);
    },
  };
}
