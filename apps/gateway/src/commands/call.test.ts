import { expect, test } from 'vitest';
import { renderResult } from './call.ts';

test('texts are printed as they are, everything else as one line that says what it is', () => {
  const content = [
    { type: 'text', text: 'first\nsecond' },
    { type: 'image', mimeType: 'image/png', data: Buffer.alloc(2048).toString('base64') },
    { type: 'resource_link', uri: 'file:///a', name: 'A' },
    { type: 'resource', resource: { uri: 'file:///b', text: 'inside' } },
    { type: 'resource', resource: { uri: 'file:///c', blob: 'AAAA' } },
    { type: 'hologram', depth: 3 },
  ];
  expect(renderResult({ content }).split('\n')).toEqual([
    'first',
    'second',
    '[image image/png, 2.0 KiB]',
    '[resource file:///a "A"]',
    'inside',
    '[resource file:///c, 3 bytes]',
    '{"type":"hologram","depth":3}',
  ]);
});

test('a result without content is its structured content', () => {
  expect(renderResult({ structuredContent: { a: 1 } })).toBe('{\n  "a": 1\n}');
  expect(renderResult({ content: [], structuredContent: undefined })).toBe('');
});
