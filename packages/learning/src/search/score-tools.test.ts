import { expect, test } from 'vitest';
import { readNeed } from './read-need.ts';
import { createToolScores, scoreTools } from './score-tools.ts';
import { TenantMemory } from './tenant-memory.ts';

test('of two tools that were chosen as often for a need, the one that is chosen for everything has less to say', () => {
  const memory = new TenantMemory();
  const [popular, special] = [memory.numberOf('popular'), memory.numberOf('special')];
  const need = readNeed('book a flight to rome');
  for (let turn = 0; turn < 10; turn++) {
    memory.addChoice(need, popular);
    memory.addChoice(need, special);
    for (const other of ['send mail', 'play jazz']) memory.addChoice(readNeed(other), popular);
  }
  const scores = createToolScores();
  scoreTools(memory, need, scores);
  expect(scores.evidence[special]).toBe(scores.evidence[popular]);
  expect(scores.learned[special]).toBeGreaterThan(scores.learned[popular]!);
});
