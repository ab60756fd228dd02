/** The candidate that differs from `text` by the fewest edits, if it is near enough to be a slip. */
export function nearestOf(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

// Insertions, deletions, substitutions and swaps of neighbours each count one (optimal string alignment).
function editDistance(left: string, right: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      const isSwap = row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      const edited = Math.min(previous[column - 1]! + (isSame ? 0 : 1), previous[column]! + 1, current[column - 1]! + 1);
      current.push(isSwap ? Math.min(edited, older[column - 2]! + 1) : edited);
    }
    older = previous;
    previous = current;
  }
  return previous[right.length]!;
}
