import { timingSafeEqual } from 'node:crypto';
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
}

export const toToken = ({ id, name, created_at, last_used_at }: TokenRow) => ({
  id,
  name,
  createdAt: isoOf(created_at),
  lastUsedAt: isoOrNull(last_used_at),
});

/** Creates and parses tokens for programs: `<prefix><id>_<secret>`. Only a hash of the secret is stored. */
export class ProgramTokens {
  private readonly pattern: RegExp;

  constructor(private readonly prefix: string) {
    this.pattern = new RegExp(`^${prefix}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([\\w-]{43})$`);
  }

  /** @throws Problem `validation` if the name is blank */
  make(ids: Ids, clock: Clock, name: string): { row: TokenRow; hash: Buffer; token: string } {
    const secret = ids.secret(32);
    const id = ids.next();
    const row = { id, name: requireNonBlank('name', name), created_at: clock.now().toISOString(), last_used_at: null };
    return { row, hash: sha256(secret), token: `${this.prefix}${id}_${secret}` };
  }

  /** Parses a token; undefined if it does not have the format. */
  read(token: string): { id: string; isOf: (hash: Buffer) => boolean } | undefined {
    const [, id, secret] = this.pattern.exec(token) ?? [];
    if (!id || !secret) return undefined;
    return { id, isOf: (hash) => timingSafeEqual(hash, sha256(secret)) };
  }
}
