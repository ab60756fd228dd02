import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRun, runsOf } from './words.ts';

function wordsOf(text: string): string[] {
  return runsOf(text).flatMap((run) => readRun(run).words);
}

test.each([
  ['get_current_time', ['current', 'time']],
  ['getUserInfo', ['getuserinfo', 'user', 'info']],
  ['HTTPServer.listAll', ['httpserver', 'http', 'server', 'listall', 'list', 'all']],
  ['base64 v2', ['base64', 'base', '64', 'v2', 'v', '2']],
  ['files/read', ['file', 'read']],
  ['Créer une réunion', ['creer', 'une', 'reunion']],
  ['検索する', ['検索', '索す', 'する']],
  ['', []],
  ['?!', []],
])('%j has the words %j', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

test.each([
  ['issue', 'issues'],
  ['create', 'created', 'creating', 'creates'],
  ['repository', 'repositories'],
  ['search', 'searches', 'searching'],
  ['stop', 'stopped', 'stopping'],
])('forms of a word meet: %j', (...forms) => {
  expect(new Set(forms.flatMap(wordsOf)).size).toBe(1);
});

test('words that mean nothing are left out, and short ones are left alone', () => {
  expect(wordsOf('Can you please tell me what the status of this bus is?')).toEqual(['status', 'bus']);
});

test('a run of one letter has one group of three, and one that differs in a letter shares most', () => {
  expect(readRun('a').trigrams).toHaveLength(1);
  const one = readRun('repository').trigrams;
  expect(readRun('repostory').trigrams.filter((trigram) => one.includes(trigram)).length).toBeGreaterThan(5);
});

test('whatever the text, its words are found without failing and none is empty', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      for (const run of runsOf(text)) {
        const { words, trigrams } = readRun(run);
        expect(words.every((word) => word.length > 0)).toBe(true);
        expect(trigrams.length).toBe(run.toLowerCase().length);
      }
    }),
  );
});
