import { Injectable } from '@nestjs/common';
import { servesPurpose, type KeyPurpose, type PublishedKey } from '#libs/contracts';
import type { JWK } from 'jose';
import { sql } from 'kysely';
import { KeyRows } from './key-rows.js';

/** The public keys, the newest first, including those that sign nothing any more. */
@Injectable()
export class PublishedKeys {
  constructor(private readonly rows: KeyRows) {}

  async all(): Promise<(PublishedKey & JWK)[]> {
    const { rows } = await sql<{ public_jwk: PublishedKey & JWK; revoked_at: number | null }>`
      select public_jwk, extract(epoch from revoked_from)::float8 as revoked_at from signing_key
      order by created_at desc, kid desc`.execute(this.rows.db());
    return rows.map(({ public_jwk: jwk, revoked_at }) => ({
      ...jwk,
      ...(revoked_at !== null && { revoked: { revoked_at, reason: 'compromised' } }),
    }));
  }

  /** The keys whose signatures can count for this purpose. */
  async of(purpose: KeyPurpose): Promise<(PublishedKey & JWK)[]> {
    return (await this.all()).filter((key) => servesPurpose(key, purpose));
  }
}
