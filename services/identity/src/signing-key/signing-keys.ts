import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock, Ids } from '#libs/database';
import { Sealing } from '#libs/platform';
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { sql } from 'kysely';
import { IdentityConfig } from '../identity.config.js';

interface KeyRow {
  kid: string;
  public_jwk: JWK;
  sealed_private_jwk: string;
}

export interface SigningKey {
  kid: string;
  key: CryptoKey;
}

/** The keys that tokens and certificates are signed with. Retired ones still verify what they have signed. */
@Injectable()
export class SigningKeys implements OnApplicationBootstrap {
  private signing: SigningKey;
  private readonly sealing: Sealing;

  constructor(
    private readonly em: EntityManager,
    { leaverSecret }: IdentityConfig,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    this.sealing = new Sealing(leaverSecret, 'signing key', ids);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.signing = (await this.load()) ?? (await this.make());
  }

  /** The key in use. */
  current(): SigningKey {
    return this.signing;
  }

  /** Retires the key in use and takes a new one. Other replicas go on with the old one until they start again. */
  async rotate(): Promise<void> {
    await sql`update signing_key set retired_at = ${this.clock.now()} where retired_at is null`.execute(this.db());
    this.signing = await this.make();
  }

  /** All public keys, the newest first. */
  async publicKeys(): Promise<JWK[]> {
    const { rows } = await sql<KeyRow>`select public_jwk from signing_key order by created_at desc`.execute(this.db());
    return rows.map((row) => row.public_jwk);
  }

  private async load(): Promise<SigningKey | undefined> {
    const { rows } = await sql<KeyRow>`select * from signing_key where retired_at is null`.execute(this.db());
    const [row] = rows;
    if (!row) return undefined;
    const jwk = JSON.parse(this.sealing.open(row.sealed_private_jwk, row.kid)) as JWK;
    return { kid: row.kid, key: (await importJWK(jwk, 'EdDSA')) as CryptoKey };
  }

  /** Makes a key, unless another replica was faster. */
  private async make(): Promise<SigningKey> {
    const kid = this.ids.next();
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const sealed = this.sealing.seal(JSON.stringify(await exportJWK(pair.privateKey)), kid);
    const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'EdDSA', use: 'sig' };
    await sql`
      insert into signing_key (kid, public_jwk, sealed_private_jwk, created_at)
      values (${kid}, ${JSON.stringify(publicJwk)}::jsonb, ${sealed}, ${this.clock.now()})
      on conflict do nothing`.execute(this.db());
    return (await this.load())!;
  }

  /** Apart from any running transaction: a key stays even when the call that needed it fails. */
  private db() {
    return this.em.fork().getKysely();
  }
}
