const nonced = { type: 'object', properties: { nonce: { type: 'string' } } };
// These speak of another call, and are themselves no calls that the journal counts.
const about = { type: 'object', properties: { about: { type: 'string' } } };
const text = (value) => ({ content: [{ type: 'text', text: value }] });
const held = new Map();

/** Tools by which a check holds calls, lets them go, and sees what the server saw. */
export const controlTools = [
  {
    listed: { name: 'hang', description: 'Answers when it is released', inputSchema: nonced },
    run: ({ arguments: { nonce }, signal, progress }) => {
      progress({ progress: 0, message: nonce });
      return new Promise((resolve, reject) => {
        held.set(nonce, () => resolve(text(`released ${nonce}`)));
        signal.addEventListener('abort', () => reject(new Error('It was cancelled')), { once: true });
      }).finally(() => held.delete(nonce));
    },
  },
  {
    listed: { name: 'release', description: 'Lets a held call answer', inputSchema: about },
    run: ({ arguments: { about: nonce } }) => {
      const release = held.get(nonce);
      release?.();
      return text(release === undefined ? `nothing to release ${nonce}` : `releasing ${nonce}`);
    },
  },
  {
    listed: { name: 'journal', description: 'Tells what the server saw of a nonce', inputSchema: about },
    run: ({ world, arguments: { about: nonce } }) => ({ ...text('journal'), structuredContent: world.journal.read(nonce) }),
  },
  {
    listed: { name: 'restart', description: 'Ends the server, which forgets everything and is started again', inputSchema: nonced },
    run: ({ world }) => {
      setTimeout(world.restart, 20);
      return text('restarting');
    },
  },
];
