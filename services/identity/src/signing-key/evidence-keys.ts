import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { KeyPurpose, NewSigningKey } from '#libs/contracts';
import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';
import { KeyRows, PUBLISHED_BEFORE, type SigningKey, type StoredKey } from './key-rows.js';

export type EvidencePurpose = Exclude<KeyPurpose, 'tokens'>;

const PURPOSES: readonly EvidencePurpose[] = ['certificates', 'heads'];

/**
 * The keys that sign what must verify for years: certificates, and heads of audit trails. Of each purpose the key that was
 * due last is in use. Earlier keys verify what they have signed.
 */
@Injectable()
export class EvidenceKeys implements OnApplicationBootstrap {
  private readonly signing = new Map<EvidencePurpose, SigningKey>();

  constructor(
    private readonly rows: KeyRows,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.refresh();
  }

  /** The key in use. */
  current(purpose: EvidencePurpose): SigningKey {
    return this.signing.get(purpose)!;
  }

  /** Publishes a key that all replicas will use in two minutes. If there is one already, returns that one. */
  rotate(purpose: EvidencePurpose): Promise<NewSigningKey> {
    const now = this.clock.now();
    return this.rows.exclusively(async (db) => {
      const { rows } = await sql<{ kid: string; used_from: string }>`
        select kid, used_from from signing_key where purpose = ${purpose} and used_from > ${now} and revoked_from is null`.execute(
        db,
      );
      if (rows[0]) return { kid: rows[0].kid, purpose, usedFrom: isoOf(rows[0].used_from) };
      const usedFrom = new Date(now.getTime() + PUBLISHED_BEFORE);
      const kid = await this.rows.insert(db, { purpose, retiredAt: '-infinity', usedFrom });
      return { kid, purpose, usedFrom: usedFrom.toISOString() };
    });
  }

  /** Replaces the key immediately. What earlier keys have signed stays valid. */
  async replace(purpose: EvidencePurpose): Promise<NewSigningKey> {
    const usedFrom = this.clock.now();
    const kid = await this.rows.exclusively((db) => this.replaceIn(db, purpose));
    await this.refresh();
    return { kid, purpose, usedFrom: usedFrom.toISOString() };
  }

  /**
   * The same within a transaction. `refresh` then loads the new key.
   * @returns its id
   */
  async replaceIn(db: Db, purpose: EvidencePurpose): Promise<string> {
    const now = this.clock.now();
    await sql`delete from signing_key where purpose = ${purpose} and used_from > ${now} and revoked_from is null`.execute(
      db,
    );
    return this.rows.insert(db, { purpose, retiredAt: '-infinity', usedFrom: now });
  }

  /** Starts to use the keys that are due, and creates those that are missing. */
  async refresh(): Promise<void> {
    let due = await this.due(this.rows.db());
    if (due.size < PURPOSES.length) {
      due = await this.rows.exclusively(async (db) => {
        const known = await this.due(db);
        for (const purpose of PURPOSES) if (!known.has(purpose)) await this.replaceIn(db, purpose);
        return this.due(db);
      });
    }
    for (const [purpose, row] of due)
      if (this.signing.get(purpose)?.kid !== row.kid) this.signing.set(purpose, await this.rows.decrypt(row));
  }

  /** When the first key of this purpose was used. */
  async firstUseOf(purpose: EvidencePurpose): Promise<Date> {
    const { rows } = await sql<{ used_from: string }>`
      select min(used_from) as used_from from signing_key where purpose = ${purpose}`.execute(this.rows.db());
    return new Date(rows[0]!.used_from);
  }

  private async due(db: Db): Promise<Map<EvidencePurpose, StoredKey>> {
    const { rows } = await sql<StoredKey & { purpose: EvidencePurpose }>`
      select distinct on (purpose) purpose, kid, sealed_private_jwk from signing_key
      where used_from <= ${this.clock.now()} and revoked_from is null order by purpose, used_from desc, created_at desc, kid desc`.execute(
      db,
    );
    return new Map(rows.map((row) => [row.purpose, row]));
  }
}
