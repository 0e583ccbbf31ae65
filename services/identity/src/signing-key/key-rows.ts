import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { KeyPurpose } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { ConfigError } from '#libs/platform';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { sql } from 'kysely';
import { KeyEncryption } from './key-encryption.js';

/** Milliseconds for which a new key is published before it is used. Gateways load the keys every minute. */
export const PUBLISHED_BEFORE = 120_000;

export interface SigningKey {
  kid: string;
  key: CryptoKey;
}

export interface StoredKey {
  kid: string;
  sealed_private_jwk: string;
}

interface NewKey {
  purpose: KeyPurpose;
  /** `-infinity` for a key that never signs tokens. */
  retiredAt: Date | '-infinity' | null;
  nextFrom?: Date | null;
  usedFrom?: Date;
}

/** The table of the keys of all purposes. */
@Injectable()
export class KeyRows {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Outside of any open transaction, so that a key is kept even if the call that needed it fails. */
  db(): Db {
    return this.em.fork().getKysely();
  }

  /** Runs work in a transaction of its own. */
  transactional<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.em.fork().transactional((em) => work(em.getKysely()));
  }

  /** The same, and meanwhile no other transaction writes keys. */
  exclusively<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.transactional(async (db) => {
      await sql`lock table signing_key in share row exclusive mode`.execute(db);
      return work(db);
    });
  }

  /** Creates a key, unless there is one that signs tokens, or will sign them next, and this one should. */
  async insert(db: Db, { purpose, retiredAt, nextFrom = null, usedFrom }: NewKey): Promise<string> {
    const kid = this.ids.next();
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const sealed = this.encryption.encrypt(JSON.stringify(await exportJWK(pair.privateKey)), kid);
    const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'EdDSA', use: 'sig', purpose };
    await sql`
      insert into signing_key (kid, purpose, public_jwk, sealed_private_jwk, created_at, retired_at, next_from, used_from)
      values (${kid}, ${purpose}, ${JSON.stringify(publicJwk)}::jsonb, ${sealed}, ${this.clock.now()}, ${retiredAt}, ${nextFrom},
        ${usedFrom ?? null})
      on conflict do nothing`.execute(db);
    return kid;
  }

  /** @throws ConfigError if it was encrypted with another secret */
  async decrypt({ kid, sealed_private_jwk: sealed }: StoredKey): Promise<SigningKey> {
    if (!this.encryption.canDecrypt(sealed, kid))
      throw new ConfigError('identity', [
        'LEAVER_SECRET, or LEAVER_SECRET_PREVIOUS if it is given, must be the secret with which the signing key in the database was encrypted',
      ]);
    const jwk = JSON.parse(this.encryption.decrypt(sealed, kid)) as JWK;
    return { kid, key: (await importJWK(jwk, 'EdDSA')) as CryptoKey };
  }
}
