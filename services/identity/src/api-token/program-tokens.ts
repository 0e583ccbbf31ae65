import { timingSafeEqual } from 'node:crypto';
import { requireNonBlank } from '../common/require-non-blank.js';
import { isoOf, isoOrNull } from '../common/moments.js';
import type { Clock, Ids } from '#libs/database';
import { sha256 } from '../common/secrets.js';

/** Milliseconds by which the time of the last use may be behind: writing it each time would cost more than it tells. */
export const COARSE = 60_000;

/** A token for programs as it is kept, besides whose it is. */
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

/** Tokens for programs, shown once and then known by a hash only: `<prefix><id>_<secret>`. */
export class ProgramTokens {
  private readonly form: RegExp;

  constructor(private readonly prefix: string) {
    this.form = new RegExp(`^${prefix}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([\\w-]{43})$`);
  }

  /** @throws Problem `validation` for a name of nothing but blanks */
  make(ids: Ids, clock: Clock, name: string): { row: TokenRow; hash: Buffer; token: string } {
    const secret = ids.secret(32);
    const id = ids.next();
    const row = { id, name: requireNonBlank('name', name), created_at: clock.now().toISOString(), last_used_at: null };
    return { row, hash: sha256(secret), token: `${this.prefix}${id}_${secret}` };
  }

  /** What a token says of itself; undefined for anything else. */
  read(token: string): { id: string; isOf: (hash: Buffer) => boolean } | undefined {
    const [, id, secret] = this.form.exec(token) ?? [];
    if (!id || !secret) return undefined;
    return { id, isOf: (hash) => timingSafeEqual(hash, sha256(secret)) };
  }
}
