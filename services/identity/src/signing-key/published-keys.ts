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
    const { rows } = await sql<{ public_jwk: PublishedKey & JWK }>`
      select public_jwk from signing_key order by created_at desc, kid desc`.execute(this.rows.db());
    return rows.map((row) => row.public_jwk);
  }

  /** The keys whose signatures can count for this purpose. */
  async of(purpose: KeyPurpose): Promise<(PublishedKey & JWK)[]> {
    return (await this.all()).filter((key) => servesPurpose(key, purpose));
  }
}
