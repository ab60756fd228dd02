/** What of an entry says which server it is. */
export interface ServerIdentity {
  readonly command?: unknown;
  readonly args?: unknown;
  readonly url?: unknown;
  readonly env?: unknown;
  readonly headers?: unknown;
  readonly cwd?: unknown;
}

/**
 * Whether two entries start or reach the same server: same command, arguments and address, and nothing in variables, headers or folder that
 * contradicts. A reference matches what it may stand for, so an entry imported with references is known again.
 */
export function isSameServer(left: ServerIdentity, right: ServerIdentity): boolean {
  if (!matches(left.command ?? '', right.command ?? '') || !matches(withoutSlash(left.url), withoutSlash(right.url))) return false;
  const [leftArgs, rightArgs] = [listOf(left.args), listOf(right.args)];
  if (leftArgs.length !== rightArgs.length || leftArgs.some((arg, index) => !matches(arg, rightArgs[index]))) return false;
  if (left.cwd !== undefined && right.cwd !== undefined && !matches(left.cwd, right.cwd)) return false;
  return !contradict(left.env, right.env) && !contradict(left.headers, right.headers);
}

function contradict(left: unknown, right: unknown): boolean {
  const others = mapOf(right);
  return [...mapOf(left)].some(([name, value]) => others.has(name) && !matches(value, others.get(name)));
}

function matches(left: unknown, right: unknown): boolean {
  const [leftText, rightText] = [textOf(left), textOf(right)];
  if (leftText === rightText) return true;
  const isLeftPattern = leftText.includes('${');
  if (isLeftPattern === rightText.includes('${')) return false;
  return isLeftPattern ? fits(leftText, rightText) : fits(rightText, leftText);
}

/** Whether a text is what a pattern becomes when each `${…}` in it is replaced by something. */
function fits(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split(/\$\{[^}]*\}/);
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return position <= text.length - last.length;
}

function textOf(value: unknown): string {
  // The object form of a reference, { "env": "NAME" }.
  if (typeof value === 'object' && value !== null && 'env' in value) return `\${env:${String(value.env)}}`;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function withoutSlash(url: unknown): string {
  return typeof url === 'string' ? url.replace(/\/+$/, '') : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

// Header names know no case; variables that differ in nothing else do not occur.
function mapOf(value: unknown): Map<string, unknown> {
  return new Map(
    typeof value === 'object' && value !== null ? Object.entries(value).map(([name, item]) => [name.toLowerCase(), item]) : [],
  );
}
