import { Scanner } from './scan.ts';

/** JSON text in one form for all texts of the same value. Numbers stay as they are written. */
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
