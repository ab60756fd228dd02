import type { FoundSecret } from './import-plan.ts';
import { toVariableName } from './placeholders.ts';
import type { ImportedEntry } from './read-entry.ts';
import { findSecrets, flagBefore, maskSecret, replaceSecrets } from './secrets.ts';

export interface References {
  /** The entry with a reference in place of each secret, and what was replaced. */
  of(server: string, entry: ImportedEntry): { readonly entry: ImportedEntry; readonly secrets: readonly FoundSecret[] };
}

/** Gives environment variables to secrets: one each, the same one where the value is the same, and never one for two values. */
export function createReferences(): References {
  const values = new Map<string, string>();
  const variableFor = (wanted: readonly string[], secret: string): string => {
    const candidates = [...wanted, ...Array.from({ length: values.size + 1 }, (_, index) => `${wanted.at(-1)!}_${index + 2}`)];
    const name = candidates.find((candidate) => (values.get(candidate) ?? secret) === secret)!;
    values.set(name, secret);
    return name;
  };
  return {
    of(server, entry) {
      const secrets: FoundSecret[] = [];
      const replace = (text: string, { where, name, own }: { where: string; name?: string | undefined; own?: string }) =>
        replaceSecrets(text, findSecrets(text, name), (secret, span) => {
          const specific = toVariableName(`${server}_${/^authorization$/i.test(span.name) ? 'token' : span.name}`);
          const reference = `\${env:${variableFor(own === undefined ? [specific] : [own, specific], secret)}}`;
          secrets.push({ where, masked: maskSecret(secret), reference });
          return reference;
        });
      const { args, env, url, headers } = entry;
      const referenced: ImportedEntry = {
        ...entry,
        ...(args !== undefined && {
          args: args.map((arg, index) => replace(arg, { where: `args[${index}]`, name: flagBefore(args, index) })),
        }),
        ...(env !== undefined && {
          env: mapValues(env, (value, name) => replace(value, { where: `env.${name}`, name, ...(isVariableName(name) && { own: name }) })),
        }),
        ...(url !== undefined && { url: replace(url, { where: 'url' }) }),
        ...(headers !== undefined && { headers: mapValues(headers, (value, name) => replace(value, { where: `headers.${name}`, name })) }),
      };
      return { entry: referenced, secrets };
    },
  };
}

function mapValues(texts: Readonly<Record<string, string>>, map: (value: string, name: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, map(value, name)]));
}

function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
