import { createHash, timingSafeEqual } from 'node:crypto';
import { GatewayError, type AdminConfig, type Role } from '@signalbox/core';

/** Who uses the admin API. */
export interface AdminPrincipal {
  readonly name: string;
  readonly role: Role;
}

/** The owner of the data folder, who has the token in `gateway.json`. */
export const LOCAL_OWNER: AdminPrincipal = { name: 'local', role: 'owner' };

export interface PrincipalOptions {
  /** Of the owner of the data folder. */
  readonly token: string;
  /** Where the tokens of the others are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** As it is configured now. */
  readonly admin: () => AdminConfig;
}

export interface Principals {
  /** @throws GatewayError `UNAUTHENTICATED` for a header that carries no token of anyone. */
  identify(authorization: string | undefined): AdminPrincipal;
  list(): readonly (AdminPrincipal & { readonly isUsable: boolean })[];
}

interface Known {
  readonly principal: AdminPrincipal;
  /** Hashes have one length whatever was sent, so that comparing them tells nothing by its duration. */
  readonly hash: Buffer | undefined;
}

/** Tells who carries a token. Follows the configuration. */
export function createPrincipals({ token, environment, admin }: PrincipalOptions): Principals {
  const owner: Known = { principal: LOCAL_OWNER, hash: hashOf(token) };
  let config: AdminConfig | undefined;
  let others: readonly Known[] = [];
  const known = (): readonly Known[] => {
    const now = admin();
    if (now !== config) {
      others = Object.entries(now.access).map(([name, { role, token: reference }]) => {
        const value = environment[reference.env];
        return { principal: { name, role }, hash: value ? hashOf(value) : undefined };
      });
      config = now;
    }
    return [owner, ...others];
  };
  return {
    identify: (authorization) => {
      const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
      const hash = hashOf(given ?? '');
      // All are compared, also behind the one that fits.
      const fits = known().map((each) => each.hash !== undefined && timingSafeEqual(each.hash, hash));
      if (given === undefined)
        throw new GatewayError('UNAUTHENTICATED', 'The admin API needs a bearer token; it is in "gateway.json" in the data folder');
      const found = known()[fits.indexOf(true)];
      if (found === undefined) throw new GatewayError('UNAUTHENTICATED', 'The bearer token is not one of this gateway');
      return found.principal;
    },
    list: () => known().map(({ principal, hash }) => ({ ...principal, isUsable: hash !== undefined })),
  };
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
