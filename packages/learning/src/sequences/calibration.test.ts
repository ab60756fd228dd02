import { expect, test } from 'vitest';
import { createCalibration, type Guess } from './calibration.ts';

const guess = (more: Partial<Guess> = {}): Guess => ({
  shares: [0.6, 0.2, 0.1],
  followed: 4,
  isLast: false,
  isKnown: false,
  calls: 3,
  isSameServer: true,
  isAfterFailure: false,
  ...more,
});

test('without trials the mixture is believed', () => {
  const calibration = createCalibration();
  for (const first of [0.05, 0.3, 0.6, 0.95]) expect(calibration.probabilityOf(guess({ shares: [first, 0, 0] }))).toBeCloseTo(first, 2);
});

test('what comes less often than the mixture says is told less likely, where it does, and that outlives a restart', () => {
  const calibration = createCalibration();
  for (let round = 0; round < 400; round++) {
    calibration.learn(guess(), round % 10 < 8);
    calibration.learn(guess({ followed: 0 }), round % 10 < 1);
  }
  const [known, fresh] = [calibration.probabilityOf(guess()), calibration.probabilityOf(guess({ followed: 0 }))];
  // What was learned counts for two fifths: 0.4 × 0.8 + 0.6 × 0.6 and 0.4 × 0.1 + 0.6 × 0.6.
  expect([known, fresh]).toEqual([expect.closeTo(0.68, 1), expect.closeTo(0.4, 1)]);
  const copy = createCalibration();
  copy.load(calibration.save());
  expect([copy.probabilityOf(guess()), copy.probabilityOf(guess({ followed: 0 }))]).toEqual([known, fresh]);
});
