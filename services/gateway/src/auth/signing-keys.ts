import { ServiceClient } from '#libs/broker';
import { signingKeys } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { importJWK, type CryptoKey, type JWK } from 'jose';

/** A key that identity has withdrawn is honoured for no longer than this. */
const MAX_AGE = 60_000;
/** Tokens with invented key ids must not make us ask at each of them. */
const ASK_AGAIN_AFTER = 5_000;

/** Identity's public keys, by which access tokens and certificates are verified. */
@Injectable()
export class SigningKeys {
  private jwks: JWK[] = [];
  private keys = new Map<string, CryptoKey>();
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private fetching?: Promise<void>;

  constructor(
    private readonly services: ServiceClient,
    private readonly clock: Clock,
  ) {}

  /** The key of that id that tokens are signed with; undefined when identity has none. @throws Problem `service-unavailable` when none was ever learnt */
  async find(id: string): Promise<CryptoKey | undefined> {
    await this.refresh(!this.keys.has(id));
    return this.keys.get(id);
  }

  /** As a JWK set, for the public. */
  async all(): Promise<{ keys: JWK[] }> {
    await this.refresh(false);
    return { keys: this.jwks };
  }

  private async refresh(lacking: boolean): Promise<void> {
    const none = this.keys.size === 0;
    const now = this.clock.millis();
    const due = now - this.triedAt >= ASK_AGAIN_AFTER && (lacking || now - this.fetchedAt >= MAX_AGE);
    if (!this.fetching && (none || due)) {
      this.triedAt = now;
      this.fetching = this.fetch(now).finally(() => (this.fetching = undefined));
    }
    // While identity is away, the keys that we have still verify what it has signed.
    await this.fetching?.catch((error) => {
      if (none) throw error;
    });
  }

  private async fetch(now: number): Promise<void> {
    const { keys, retired = [] } = await this.services.ask(signingKeys, {});
    const usable = (keys as JWK[]).filter(({ kid, kty, crv }) => kid && kty === 'OKP' && crv === 'Ed25519');
    const imported = await Promise.all(
      usable
        .filter(({ kid }) => !retired.includes(kid!))
        .map(async (jwk) => [jwk.kid!, (await importJWK(jwk, 'EdDSA')) as CryptoKey] as const),
    );
    this.jwks = usable;
    this.keys = new Map(imported);
    this.fetchedAt = now;
  }
}
