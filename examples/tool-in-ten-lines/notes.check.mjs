// Checks notes.mjs in memory, the way a test of your own module would. Exits with 1 when something is not as it should be.
import assert from 'node:assert/strict';
import { testModule } from '@signalbox/tools/testing';
import { module } from './notes.mjs';

const notes = await testModule(module, { config: { maxNotes: 2 } });

const kept = await notes.call('add_note', { title: 'milk', text: 'Buy milk' });
assert.equal(kept.text, 'Kept "milk"');

const again = await notes.call('add_note', { title: 'milk', text: 'Buy more milk' });
assert.equal(again.isError, true);
assert.equal(again.text, 'There is a note "milk" already; choose another title');

const found = await notes.call('search_notes', { word: 'milk' });
assert.deepEqual(found.structured, { titles: ['milk'] });
assert.deepEqual(notes.progress, [{ progress: 1, total: 1 }]);

const misspelt = await notes.call('add_note', { titel: 'tea', text: 'Buy tea' });
assert.match(misspelt.text, /- titel: is not known; did you mean "title"\?/);
assert.equal((await notes.read('note://milk'))[0].text, 'Buy milk');
await assert.rejects(notes.read('note://tea'), /There is no note "tea"/);
assert.match((await notes.prompt('summarise_notes', { word: 'milk' })).messages[0].content.text, /^Search my notes for "milk"/);
await assert.rejects(testModule(module, { config: { maxNotes: 0 } }), /maxNotes must be >= 1/);

await notes.close();
console.log('ok: notes.mjs');
