import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Target } from '@signalbox/core';
import { createToolRanker } from './rank-tools.ts';

interface Case {
  readonly need: string;
  readonly tool: string;
}

// Written for this test: sixty tools as six common servers might define them, and what somebody may need of them.
const { tools: listed, needs } = JSON.parse(readFileSync(new URL('fixtures/office-tools.json', import.meta.url), 'utf8')) as {
  readonly tools: readonly {
    readonly upstream: string;
    readonly name: string;
    readonly description: string;
    readonly inputSchema: Record<string, unknown>;
  }[];
  readonly needs: readonly Case[];
};

const tools = new Map<string, Target>(
  listed.map(({ upstream, ...definition }) => [`${upstream}__${definition.name}`, { upstream, name: definition.name, definition }]),
);
const rank = createToolRanker(tools);
const best = (need: string, limit = 5) => rank([need], limit)[0]!;
const namesFor = (need: string, limit = 5) => best(need, limit).map(({ name }) => name);

describe('ranking', () => {
  test('finds what is needed, most of it in the first place', () => {
    const places = needs.map(({ need, tool }) => namesFor(need).indexOf(tool));
    expect(needs.filter((_, index) => places[index] === -1).map(({ need }) => need)).toEqual([]);
    expect(places.filter((place) => place === 0).length / places.length).toBeGreaterThan(0.8);
  });

  test.each(['calendar__create_event', 'create_event', 'createEvent', 'Create Event', 'calendar/create_event', 'calendar.create_event'])(
    'a tool that is called %j by name is first, and that is certain',
    (name) => {
      expect(best(name)[0]).toEqual({ name: 'calendar__create_event', score: 1 });
      expect(
        best(name)
          .slice(1)
          .every(({ score }) => score < 1),
      ).toBe(true);
    },
  );

  test('a name within a sentence counts where it is written as one', () => {
    expect(best('please run mail__archive_thread for me')[0]).toEqual({ name: 'mail__archive_thread', score: 1 });
    expect(best('use "list_events", then move on')[0]).toEqual({ name: 'calendar__list_events', score: 1 });
    // A tool of the file server is called "search", and this is not about files.
    expect(namesFor('search mail from my boss')[0]).toBe('mail__search_messages');
  });

  test('a name that two servers have finds both', () => {
    expect(
      best('search')
        .filter(({ score }) => score === 1)
        .map(({ name }) => name),
    ).toEqual(['files__search', 'code__search']);
  });

  test('the beginning of a name finds it', () => {
    expect(namesFor('archive_th')[0]).toBe('mail__archive_thread');
    expect(namesFor('calendar__')).toEqual(namesFor('calendar__').filter((name) => name.startsWith('calendar__')));
  });

  test('typing errors do not matter much', () => {
    expect(namesFor('creat a calender evnt')).toContain('calendar__create_event');
    expect(namesFor('serch fro mesages')).toContain('mail__search_messages');
  });

  test('a long need finds what each of its sentences asks for', () => {
    const asked = needs.filter(({ need }) => need.split(' ').length > 3).slice(0, 4);
    expect(asked).toHaveLength(4);
    const found = namesFor(`${asked.map(({ need }) => need).join('. ')}. Thanks a lot, you are a great help.`, 8);
    for (const { tool } of asked) expect(found).toContain(tool);
  });

  test('words of parameters count', () => {
    expect(namesFor('something with an ISBN')[0]).toBe('library__find_book');
  });

  test('scores fall, lie between 0 and 1, and tell a good match from a bad one', () => {
    for (const { need } of needs) {
      const scores = best(need, 10).map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((left, right) => right - left));
      expect(scores.every((score) => score >= 0 && score < 1)).toBe(true);
    }
    expect(best('create a calendar event')[0]!.score).toBeGreaterThan(0.5);
    expect(best('bake a chocolate cake')[0]!.score).toBeLessThan(0.3);
  });

  test('where nothing comes near it shows a tool of each server', () => {
    const shown = best('ЖЖЖЖ', 6);
    expect(shown.map(({ name }) => name.split('__')[0])).toEqual(['mail', 'calendar', 'files', 'code', 'chat', 'library']);
    expect(shown.every(({ score }) => score === 0)).toBe(true);
  });

  test('whatever is asked for, every tool is found by each of its names and no answer is empty', () => {
    const anyNeed = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom('', 'the', '__proto__', 'constructor', '🙂'));
    fc.assert(
      fc.property(fc.array(anyNeed, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 20 }), (asked, limit) => {
        const answers = rank(asked, limit);
        expect(answers).toHaveLength(asked.length);
        for (const answer of answers) {
          expect(answer.length).toBeGreaterThan(0);
          expect(answer.length).toBeLessThanOrEqual(limit);
          expect(new Set(answer.map(({ name }) => name)).size).toBe(answer.length);
        }
      }),
    );
    for (const [name, target] of tools)
      for (const spelling of [name, target.name, `${target.upstream}/${target.name}`])
        expect(
          best(spelling)
            .filter(({ score }) => score === 1)
            .map((tool) => tool.name),
        ).toContain(name);
  });

  test('tools with the same words keep the order of the list, also when built again', () => {
    const target = (name: string): Target => ({ upstream: 'a', name, definition: { name, description: 'Does it', inputSchema: {} } });
    const twins = new Map(['one', 'two', 'ten'].map((name) => [name, target(name)]));
    for (let time = 0; time < 2; time++)
      expect(createToolRanker(twins)(['does it well'], 3)[0]!.map(({ name }) => name)).toEqual(['one', 'two', 'ten']);
  });

  test('schemas of any shape and depth are read without failing', () => {
    let deep: Record<string, unknown> = { type: 'object' };
    for (let depth = 0; depth < 5_000; depth++) deep = { type: 'object', properties: { a: deep }, items: deep };
    const odd = { type: 'object', properties: { __proto__: null, x: true, y: { enum: [1, null, 'word'] }, z: { description: 5 } } };
    const target = (name: string, inputSchema: Record<string, unknown>): [string, Target] => [
      name,
      { upstream: 'a', name, definition: { name, inputSchema } },
    ];
    const ranker = createToolRanker(new Map([target('deep', deep), target('odd', odd)]));
    expect(ranker(['word'], 2)[0]![0]!.name).toBe('odd');
  });
});

test('without tools there is nothing to rank', () => {
  expect(createToolRanker(new Map())(['anything', 'else'], 5)).toEqual([[], []]);
});
