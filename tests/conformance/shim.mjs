import fs from 'node:fs';
import { register } from 'node:module';

// The suites import `globSync` from `fs`, which Node 20 does not have. Only their tier report calls it, so where it is
// missing they get an `fs` with a `globSync` that refuses.
const refusing = `
  import fs from 'node:fs';
  export * from 'node:fs';
  export default fs;
  export const globSync = () => { throw new Error('globSync needs Node 22'); };
`;
const hooks = `
  const source = ${JSON.stringify(refusing)};
  export async function resolve(specifier, context, next) {
    const asks = specifier === 'fs' && /\\/conformance(-next)?\\/dist\\/index\\.js$/.test(context.parentURL ?? '');
    return asks ? { url: 'shim:fs', shortCircuit: true } : next(specifier, context);
  }
  export async function load(url, context, next) {
    return url === 'shim:fs' ? { format: 'module', shortCircuit: true, source } : next(url, context);
  }
`;

if (!('globSync' in fs)) register(`data:text/javascript,${encodeURIComponent(hooks)}`);
