import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ACCESS_TOKEN_LIFETIME_S, type NewSigningKey } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { ConfigError } from '#libs/platform';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { sql, type RawBuilder } from 'kysely';
import { isoOf } from '../common/moments.js';
import { KeyEncryption } from './key-encryption.js';

/** Lifetime of access tokens, with a minute for clock skew. */
const TOKEN_LIFETIME_MS = (ACCESS_TOKEN_LIFETIME_S + 60) * 1_000;
/** Milliseconds for which a new key is published before it is used. Gateways load the keys every minute. */
export const PUBLISHED_BEFORE = 120_000;

interface KeyRow {
  kid: string;
  public_jwk: JWK;
  sealed_private_jwk: string;
}

export interface SigningKey {
  kid: string;
  key: CryptoKey;
}

/** The keys that sign tokens and certificates. Retired keys verify certificates, and tokens until they expire. */
@Injectable()
export class SigningKeys implements OnApplicationBootstrap {
  private signing: SigningKey;

  constructor(
    private readonly em: EntityManager,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
    private readonly ids: Ids,
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
    await this.insert(this.db(), { retiredAt: now, nextFrom: new Date(now.getTime() + PUBLISHED_BEFORE) });
    const { rows } = await sql<{ kid: string; next_from: string }>`
      select kid, next_from from signing_key where next_from is not null`.execute(this.db());
    return { kid: rows[0]!.kid, usedFrom: isoOf(rows[0]!.next_from) };
  }

  /** Replaces the key immediately. Tokens signed with earlier keys are refused from now on. */
  async replace(): Promise<NewSigningKey> {
    const now = this.clock.now();
    await this.em.fork().transactional(async (em) => {
      const db = em.getKysely();
      await sql`delete from signing_key where next_from is not null`.execute(db);
      await sql`update signing_key set retired_at = '-infinity' where retired_at is null or retired_at > ${expiredSince(now)}`.execute(
        db,
      );
      await this.insert(db, { retiredAt: null, nextFrom: null });
    });
    this.signing = (await this.load())!;
    return { kid: this.signing.kid, usedFrom: now.toISOString() };
  }

  /** Starts to use the next key if it is due, or the one that another replica already uses. */
  async refresh(): Promise<void> {
    const { rows } = await sql<{ kid: string; next: boolean; due: boolean }>`
      select kid, next_from is not null as next, coalesce(next_from <= ${this.clock.now()}, false) as due from signing_key
      where retired_at is null or next_from is not null`.execute(this.db());
    const due = rows.some((row) => row.due);
    if (due) await this.activateNext();
    if (due || rows.every((row) => row.next || row.kid !== this.signing.kid))
      this.signing = (await this.load()) ?? (await this.create());
  }

  /** All public keys, the newest first. */
  publicKeys(): Promise<JWK[]> {
    return this.select(sql`true`);
  }

  /** The public keys of tokens that can still be valid. */
  keysOfTokens(): Promise<JWK[]> {
    const since = expiredSince(this.clock.now());
    return this.select(sql`retired_at is null or next_from is not null or retired_at > ${since}`);
  }

  private async select(where: RawBuilder<unknown>): Promise<JWK[]> {
    const { rows } = await sql<KeyRow>`
      select public_jwk from signing_key where ${where} order by created_at desc`.execute(this.db());
    return rows.map((row) => row.public_jwk);
  }

  /** One replica activates the key; the others wait for its lock and then find nothing to do. */
  private async activateNext(): Promise<void> {
    const now = this.clock.now();
    await this.em.fork().transactional(async (em) => {
      const db = em.getKysely();
      const { rows } = await sql<{ kid: string }>`
        select kid from signing_key where next_from <= ${now} for update`.execute(db);
      if (!rows[0]) return;
      await sql`update signing_key set retired_at = ${now} where retired_at is null`.execute(db);
      await sql`update signing_key set retired_at = null, next_from = null where kid = ${rows[0].kid}`.execute(db);
    });
  }

  /** @throws ConfigError if it was encrypted with another secret */
  private async load(): Promise<SigningKey | undefined> {
    const { rows } = await sql<KeyRow>`select * from signing_key where retired_at is null`.execute(this.db());
    const [row] = rows;
    if (!row) return undefined;
    if (!this.encryption.canDecrypt(row.sealed_private_jwk, row.kid))
      throw new ConfigError('identity', [
        'LEAVER_SECRET, or LEAVER_SECRET_PREVIOUS if it is given, must be the secret with which the signing key in the database was encrypted',
      ]);
    const jwk = JSON.parse(this.encryption.decrypt(row.sealed_private_jwk, row.kid)) as JWK;
    return { kid: row.kid, key: (await importJWK(jwk, 'EdDSA')) as CryptoKey };
  }

  /** Creates a key, unless another replica was faster. */
  private async create(): Promise<SigningKey> {
    await this.insert(this.db(), { retiredAt: null, nextFrom: null });
    return (await this.load())!;
  }

  private async insert(
    db: Db,
    { retiredAt, nextFrom }: { retiredAt: Date | null; nextFrom: Date | null },
  ): Promise<void> {
    const kid = this.ids.next();
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const sealed = this.encryption.encrypt(JSON.stringify(await exportJWK(pair.privateKey)), kid);
    const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'EdDSA', use: 'sig' };
    await sql`
      insert into signing_key (kid, public_jwk, sealed_private_jwk, created_at, retired_at, next_from)
      values (${kid}, ${JSON.stringify(publicJwk)}::jsonb, ${sealed}, ${this.clock.now()}, ${retiredAt}, ${nextFrom})
      on conflict do nothing`.execute(db);
  }

  /** Outside of any open transaction, so that a key is kept even if the call that needed it fails. */
  private db() {
    return this.em.fork().getKysely();
  }
}

/** All tokens of keys that were retired before this time have expired. */
const expiredSince = (now: Date): Date => new Date(now.getTime() - TOKEN_LIFETIME_MS);
