import { timingSafeEqual } from 'node:crypto';
import { MAX_TOKEN_DAYS, Problem } from '#libs/contracts';
import { requireNonBlank } from './require-non-blank.js';
import { isoOf, isoOrNull } from './moments.js';
import type { Clock, Ids } from '#libs/database';
import { sha256 } from './secrets.js';

/** Precision of `last_used_at` in milliseconds. Writing it on each use would cost too much. */
export const LAST_USED_PRECISION_MS = 60_000;

/** The columns that all tables of tokens share. */
export interface TokenRow {
  id: string;
  name: string;
  created_at: string;
  last_used_at: string | null;
  expires_at: string;
}

export const toToken = ({ id, name, created_at, last_used_at, expires_at }: TokenRow) => ({
  id,
  name,
  createdAt: isoOf(created_at),
  lastUsedAt: isoOrNull(last_used_at),
  expiresAt: isoOf(expires_at),
});

const DAY_MS = 86_400_000;

export interface NewToken {
  name: string;
  expiresAt?: string;
}

/** @throws Problem `validation` for a time in the past or too far away */
function expiryOf({ expiresAt }: NewToken, clock: Clock, defaultDays: number): string {
  const now = clock.millis();
  if (expiresAt === undefined) return new Date(now + defaultDays * DAY_MS).toISOString();
  const at = Date.parse(expiresAt);
  if (at > now && at <= now + MAX_TOKEN_DAYS * DAY_MS) return new Date(at).toISOString();
  const message = `expiresAt must be in the future, at most ${MAX_TOKEN_DAYS} days away`;
  throw new Problem('validation', { errors: [{ field: 'expiresAt', message }] });
}

/** Creates and parses tokens for programs: `<prefix><id>_<secret>`. Only a hash of the secret is stored. */
export class ProgramTokens {
  private readonly pattern: RegExp;

  /** @param defaultDays the lifetime of a token that asks for none */
  constructor(
    private readonly prefix: string,
    private readonly defaultDays: number,
  ) {
    this.pattern = new RegExp(`^${prefix}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([\\w-]{43})$`);
  }

  /** @throws Problem `validation` for a blank name or a lifetime that is not allowed */
  make(ids: Ids, clock: Clock, wanted: NewToken): { row: TokenRow; hash: Buffer; token: string } {
    const secret = ids.secret(32);
    const id = ids.next();
    const row = {
      id,
      name: requireNonBlank('name', wanted.name),
      created_at: clock.now().toISOString(),
      last_used_at: null,
      expires_at: expiryOf(wanted, clock, this.defaultDays),
    };
    return { row, hash: sha256(secret), token: `${this.prefix}${id}_${secret}` };
  }

  /** Parses a token; undefined if it does not have the format. */
  read(token: string): { id: string; isOf: (hash: Buffer) => boolean } | undefined {
    const [, id, secret] = this.pattern.exec(token) ?? [];
    if (!id || !secret) return undefined;
    return { id, isOf: (hash) => timingSafeEqual(hash, sha256(secret)) };
  }
}
