import { ServiceClient } from '#libs/broker';
import { signingKeys } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { importJWK, type CryptoKey, type JWK } from 'jose';

/** Milliseconds after which keys are fetched again, and so the longest time that a withdrawn key is still accepted. */
const MAX_AGE = 60_000;
/** Smallest interval between two requests, so that tokens with unknown key ids cannot cause one each. */
const ASK_AGAIN_AFTER = 5_000;

/** Identity's public keys, which verify access tokens and certificates. */
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

  /**
   * Returns the key with this id, or undefined if identity has none. Keys retired for tokens are not returned. @throws
   * Problem `service-unavailable` when no keys have been fetched yet
   */
  async find(id: string): Promise<CryptoKey | undefined> {
    await this.refresh(!this.keys.has(id));
    return this.keys.get(id);
  }

  /** The public JWK set, including retired keys. */
  async all(): Promise<{ keys: JWK[] }> {
    await this.refresh(false);
    return { keys: this.jwks };
  }

  private async refresh(missing: boolean): Promise<void> {
    const none = this.keys.size === 0;
    const now = this.clock.millis();
    const due = now - this.triedAt >= ASK_AGAIN_AFTER && (missing || now - this.fetchedAt >= MAX_AGE);
    if (!this.fetching && (none || due)) {
      this.triedAt = now;
      this.fetching = this.fetch(now).finally(() => (this.fetching = undefined));
    }
    // While identity is not available, the cached keys still verify its tokens.
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
