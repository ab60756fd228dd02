import { createHash } from 'node:crypto';
import type { Params } from '@signalbox/core';
import { Scanner } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';

/** What a key stands for: one key of one principal. */
export function keyId(principal: string, key: string): string {
  return digest(`${principal}\n${key}`);
}

/**
 * Tells calls apart by what they ask for, under whichever public name: the upstream, its tool and the arguments. The
 * order of members, spaces and escapes do not count. Numbers are compared as they are written, since two large ones may
 * be the same to JavaScript and not to the upstream.
 */
export function fingerprintOf({ target, params }: TargetedCall): string {
  const args = params.get('arguments');
  // A call that wants a task has another answer.
  const wish = params.has('task') ? 'task' : '';
  return digest(`${target.upstream}\n${target.name}\n${wish}\n${args === undefined ? '' : canonicalText(args.bytes)}`);
}

/** Tells the rounds of one call apart: a call that was answered with a question comes back with the answer to it. */
export function roundOf(params: Params): string {
  const state = params.get('requestState');
  const responses = params.get('inputResponses');
  if (state === undefined && responses === undefined) return '';
  return digest(`${state?.bytes.toString() ?? ''}\n${responses === undefined ? '' : canonicalText(responses.bytes)}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** JSON text in one form for all texts of the same value. */
export function canonicalText(bytes: Buffer): string {
  const scanner = new Scanner(bytes);
  let text = '';
  const write = (start: number): number => {
    switch (bytes[start]) {
      case 0x7b:
        return writeObject(start);
      case 0x5b: {
        text += '[';
        const end = scanner.scanArray(start, (index, itemStart) => {
          if (index > 0) text += ',';
          return write(itemStart);
        });
        text += ']';
        return end;
      }
      default: {
        const end = scanner.skipValue(start);
        const token = bytes.toString('utf8', start, end);
        text += token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token;
        return end;
      }
    }
  };
  const writeObject = (start: number): number => {
    const outer = text;
    const members: (readonly [key: string, value: string])[] = [];
    const end = scanner.scanObject(start, (key, valueStart) => {
      text = '';
      const valueEnd = write(valueStart);
      members.push([key, text]);
      return valueEnd;
    });
    const sorted = members.toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
    text = `${outer}{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
    return end;
  };
  write(scanner.skipSpace(0));
  return text;
}
