import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NameLedger, type NameClaim } from './name-ledger.ts';
import { isPortableName, toPortableName } from './portable-name.ts';

function claim(upstream: string, name: string, more: Partial<NameClaim> = {}): NameClaim {
  return { kind: 'tool', upstream, name, rename: undefined, alwaysPrefix: false, verbatim: false, ...more };
}

describe('the name ledger', () => {
  test('the earlier owner keeps the bare name, the newcomer gets its prefix', () => {
    const ledger = new NameLedger();
    expect(ledger.claim(claim('github', 'search'))).toBe('search');
    expect(ledger.claim(claim('jira', 'search'))).toBe('jira__search');
    expect(ledger.claim(claim('github', 'search'))).toBe('search');
  });

  test('names survive a restart in another order', () => {
    const before = new NameLedger();
    before.claim(claim('github', 'search'));
    before.claim(claim('jira', 'search'));
    const after = new NameLedger(JSON.parse(JSON.stringify(before.toDocument())));
    expect(after.claim(claim('jira', 'search'))).toBe('jira__search');
    expect(after.claim(claim('github', 'search'))).toBe('search');
    expect(after.isChanged).toBe(false);
  });

  test('a name stays reserved while its owner is away', () => {
    const ledger = new NameLedger();
    ledger.claim(claim('github', 'search'));
    expect(ledger.claim(claim('newcomer', 'search'))).toBe('newcomer__search');
    expect(ledger.ownerOf('tool', 'search')).toMatchObject({ upstream: 'github', name: 'search' });
  });

  test('another wish gives another name and frees the old one', () => {
    const ledger = new NameLedger();
    ledger.claim(claim('a', 'run'));
    expect(ledger.claim(claim('a', 'run', { rename: 'run it' }))).toBe('run_it');
    expect(ledger.claim(claim('b', 'run'))).toBe('run');
  });

  test('who is alone has the names of those who are no longer wanted, and they get others when they come back', () => {
    const ledger = new NameLedger();
    ledger.claim(claim('github', 'search'));
    expect(ledger.claim(claim('jira', 'search', { verbatim: true }))).toBe('search');
    expect(ledger.claim(claim('github', 'search'))).toBe('github__search');
    expect(ledger.claim(claim('jira', 'search'))).toBe('search');
    // A name once given stays, also for who is alone later.
    expect(ledger.claim(claim('github', 'search', { verbatim: true }))).toBe('github__search');
  });

  test('a reserved name is nobody’s, also when somebody had it before', () => {
    const ledger = new NameLedger();
    ledger.claim(claim('a', 'call_tool'));
    const reserved = new Set(['call_tool']);
    for (const verbatim of [true, false]) expect(ledger.claim(claim('a', 'call_tool', { reserved, verbatim }))).toBe('a__call_tool');
    expect(ledger.claim(claim('a', 'x', { reserved, rename: 'call_tool' }))).toMatch(/^a__call_tool_[0-9a-f]{8}$/);
  });

  test('kinds do not get in each other’s way, and resources keep their scheme', () => {
    const ledger = new NameLedger();
    expect(ledger.claim(claim('a', 'x'))).toBe('x');
    expect(ledger.claim(claim('b', 'x', { kind: 'prompt' }))).toBe('x');
    expect(ledger.claim(claim('a', 'file:///x', { kind: 'resource' }))).toBe('file:///x');
    expect(ledger.claim(claim('my b', 'file:///x', { kind: 'resource' }))).toBe('my-b+file:///x');
  });

  test('whatever is claimed in whatever order, names are unique, portable and stable', () => {
    const name = fc.oneof(
      fc.constantFrom('search', 'a.b', 'a_b', 'ü', 'x'.repeat(64), 'x'.repeat(200)),
      fc.string({ minLength: 1, maxLength: 80 }),
    );
    const upstream = fc.constantFrom('a', 'b', 'a__b', 'b.c', 'long-'.repeat(12));
    fc.assert(
      fc.property(fc.array(fc.tuple(upstream, name, fc.boolean()), { maxLength: 30 }), (claims) => {
        const ledger = new NameLedger();
        const given = new Map<string, string>();
        for (const [owner, original, alwaysPrefix] of claims) {
          const key = `${owner}\n${original}`;
          if (given.has(key)) continue;
          const publicName = ledger.claim(claim(owner, original, { alwaysPrefix }));
          expect(isPortableName(publicName)).toBe(true);
          expect([...given.values()]).not.toContain(publicName);
          given.set(key, publicName);
          expect(ledger.ownerOf('tool', publicName)).toMatchObject({ upstream: owner, name: original });
        }
      }),
    );
  });
});

test('a long name keeps its head and tail and shortens the same way each time', () => {
  const long = `${'customer_relations_'.repeat(6)}create_invoice`;
  const short = toPortableName(long);
  expect(short).toHaveLength(64);
  expect(short).toBe(toPortableName(long));
  expect(short.endsWith('create_invoice')).toBe(true);
  expect(toPortableName(`${long}2`)).not.toBe(short);
});
