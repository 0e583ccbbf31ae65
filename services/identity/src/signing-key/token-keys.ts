import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ACCESS_TOKEN_LIFETIME_S, type NewSigningKey } from '#libs/contracts';
import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import type { JWK } from 'jose';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';
import { KeyRows, PUBLISHED_BEFORE, type SigningKey, type StoredKey } from './key-rows.js';

/** Lifetime of access tokens, with a minute for clock skew. */
const TOKEN_LIFETIME_MS = (ACCESS_TOKEN_LIFETIME_S + 60) * 1_000;
/**
 * Milliseconds from the first key of certificates to the replacement of a key from before keys had purposes. Until then
 * replicas of the previous release can still sign certificates with it.
 */
export const UPGRADE_LASTS = 24 * 3_600_000;

/** The keys that sign access tokens. A retired key verifies tokens until they have expired. */
@Injectable()
export class TokenKeys implements OnApplicationBootstrap {
  private signing: SigningKey;

  constructor(
    private readonly rows: KeyRows,
    private readonly clock: Clock,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.signing = (await this.load()) ?? (await this.create());
  }

  /** The key in use. */
  current(): SigningKey {
    return this.signing;
  }

  /** Publishes a key that all replicas will use in two minutes. If there is one already, returns that one. */
  async rotate(): Promise<NewSigningKey> {
    const now = this.clock.now();
    const nextFrom = new Date(now.getTime() + PUBLISHED_BEFORE);
    await this.rows.insert(this.rows.db(), { purpose: 'tokens', retiredAt: now, nextFrom });
    const { rows } = await sql<{ kid: string; next_from: string }>`
      select kid, next_from from signing_key where next_from is not null`.execute(this.rows.db());
    return { kid: rows[0]!.kid, purpose: 'tokens', usedFrom: isoOf(rows[0]!.next_from) };
  }

  /** Replaces the key immediately. Tokens signed with earlier keys are refused from now on. */
  async replace(): Promise<NewSigningKey> {
    await this.rows.transactional((db) => this.replaceIn(db));
    this.signing = (await this.load())!;
    return { kid: this.signing.kid, purpose: 'tokens', usedFrom: this.clock.now().toISOString() };
  }

  /**
   * The same within a transaction. `refresh` then loads the new key.
   * @returns its id
   */
  async replaceIn(db: Db): Promise<string> {
    await sql`delete from signing_key where next_from is not null`.execute(db);
    await sql`
      update signing_key set retired_at = '-infinity'
      where retired_at is null or retired_at > ${expiredSince(this.clock.now())}`.execute(db);
    return this.rows.insert(db, { purpose: 'tokens', retiredAt: null });
  }

  /** Starts to use the next key if it is due, or the one that another replica already uses. */
  async refresh(): Promise<void> {
    const now = this.clock.now();
    const { rows } = await sql<{ kid: string; next: boolean; due: boolean; outdated: boolean }>`
      select kid, next_from is not null as next, coalesce(next_from <= ${now}, false) as due,
        purpose is null and exists (
          select from signing_key c where c.purpose = 'certificates' and c.used_from <= ${new Date(now.getTime() - UPGRADE_LASTS)}
        ) as outdated
      from signing_key where retired_at is null or next_from is not null`.execute(this.rows.db());
    const due = rows.some((row) => row.due);
    if (due) await this.activateNext();
    if (due || rows.every((row) => row.next || row.kid !== this.signing.kid))
      this.signing = (await this.load()) ?? (await this.create());
    else if (rows.some((row) => row.outdated) && !rows.some((row) => row.next)) await this.rotate();
  }

  /** The public keys of tokens that can still be valid. */
  async publicKeys(): Promise<JWK[]> {
    const { rows } = await sql<{ public_jwk: JWK }>`
      select public_jwk from signing_key
      where retired_at is null or next_from is not null or retired_at > ${expiredSince(this.clock.now())}
      order by created_at desc`.execute(this.rows.db());
    return rows.map((row) => row.public_jwk);
  }

  /** One replica activates the key; the others wait for its lock and then find nothing to do. */
  private async activateNext(): Promise<void> {
    const now = this.clock.now();
    await this.rows.transactional(async (db) => {
      const { rows } = await sql<{ kid: string }>`
        select kid from signing_key where next_from <= ${now} for update`.execute(db);
      if (!rows[0]) return;
      await sql`update signing_key set retired_at = ${now} where retired_at is null`.execute(db);
      await sql`update signing_key set retired_at = null, next_from = null where kid = ${rows[0].kid}`.execute(db);
    });
  }

  private async load(): Promise<SigningKey | undefined> {
    const { rows } = await sql<StoredKey>`
      select kid, sealed_private_jwk from signing_key where retired_at is null`.execute(this.rows.db());
    return rows[0] && this.rows.decrypt(rows[0]);
  }

  /** Creates a key, unless another replica was faster. */
  private async create(): Promise<SigningKey> {
    await this.rows.insert(this.rows.db(), { purpose: 'tokens', retiredAt: null });
    return (await this.load())!;
  }
}

/** All tokens of keys that were retired before this time have expired. */
const expiredSince = (now: Date): Date => new Date(now.getTime() - TOKEN_LIFETIME_MS);
