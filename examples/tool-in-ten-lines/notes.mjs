import { ToolError, defineModule, definePrompt, defineResource, defineTool, serve } from '@signalbox/tools';

/** Keeps short notes in memory. Shows plain JSON Schema, errors, progress, configuration, a resource and a prompt. */
export const module = defineModule({
  name: 'notes',
  version: '1.0.0',
  instructions: 'Keep notes with add_note; read one back as the resource note://{title}.',
  config: { type: 'object', properties: { maxNotes: { type: 'integer', minimum: 1, default: 100 } }, additionalProperties: false },
  create({ maxNotes }) {
    const notes = new Map();
    return {
      tools: [addNote(notes, maxNotes), searchNotes(notes)],
      resources: [note(notes)],
      prompts: [summary],
      close: () => notes.clear(),
    };
  },
});

function addNote(notes, maxNotes) {
  return defineTool({
    name: 'add_note',
    description: 'Keeps a note under a title, which must be new.',
    input: {
      type: 'object',
      properties: { title: { type: 'string', minLength: 1 }, text: { type: 'string' } },
      required: ['title', 'text'],
      additionalProperties: false,
    },
    annotations: { destructiveHint: false },
    run({ title, text }) {
      if (notes.has(title)) throw new ToolError(`There is a note "${title}" already; choose another title`);
      if (notes.size >= maxNotes) throw new ToolError(`There is room for ${maxNotes} notes only`);
      notes.set(title, text);
      return `Kept "${title}"`;
    },
  });
}

function searchNotes(notes) {
  return defineTool({
    name: 'search_notes',
    description: 'Finds the titles of notes that contain a word.',
    input: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
    output: { type: 'object', properties: { titles: { type: 'array', items: { type: 'string' } } }, required: ['titles'] },
    annotations: { readOnlyHint: true },
    run({ word }, { signal, progress, log }) {
      const titles = [];
      let done = 0;
      for (const [title, text] of notes) {
        signal.throwIfAborted();
        if (text.includes(word)) titles.push(title);
        progress(++done, notes.size);
      }
      log('debug', { searched: done });
      return { titles };
    },
  });
}

function note(notes) {
  return defineResource({
    uriTemplate: 'note://{title}',
    name: 'note',
    read({ variables: { title } }) {
      if (!notes.has(title)) throw new ToolError(`There is no note "${title}"`);
      return notes.get(title);
    },
  });
}

const summary = definePrompt({
  name: 'summarise_notes',
  arguments: [{ name: 'word', required: true }],
  get: ({ word }) => `Search my notes for "${word}", read what you find and sum it up in three sentences.`,
});

await serve(module, { entry: import.meta.url });
