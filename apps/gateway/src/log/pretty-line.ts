/** Turns a JSON log line into one for people: `12:00:01 warn  What happened upstream=github`. */
export function toPrettyLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 19);
  const rest = Object.entries(fields).map(([key, value]) => ` ${toSafeText(key)}=${toFieldText(value)}`);
  return `${clock} ${String(level).padEnd(5)} ${toSafeText(String(msg))}${rest.join('')}\n`;
}

function toFieldText(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@+-]+$/.test(value)) return value;
  return toSafeText(JSON.stringify(value));
}

// Control characters could move the cursor or forge a line.
function toSafeText(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
