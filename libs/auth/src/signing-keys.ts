import { ServiceClient } from '#libs/broker';
import { servesPurpose, signingKeys, type KeyPurpose, type PublishedKey } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { importJWK, type CryptoKey, type JWK } from 'jose';

/** Milliseconds after which keys are fetched again, and so the longest time that a withdrawn key is still accepted. */
const MAX_AGE = 60_000;
/** Smallest interval between two requests, so that tokens with unknown key ids cannot cause one each. */
const ASK_AGAIN_AFTER = 5_000;

/** Identity's public keys. Only those of tokens verify tokens. */
@Injectable()
export class SigningKeys {
  private published: PublishedKey[] = [];
  private keys = new Map<string, CryptoKey>();
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private fetching?: Promise<void>;

  constructor(
    private readonly services: ServiceClient,
    private readonly clock: Clock,
  ) {}

  /**
   * Returns the key with this id that verifies tokens; undefined if no such key is in use. Retired and withdrawn keys, and keys with
   * another purpose, are not in use.
   * @throws Problem `service-unavailable` when no keys have been fetched yet
   */
  async find(id: string): Promise<CryptoKey | undefined> {
    await this.refresh(!this.keys.has(id));
    return this.keys.get(id);
  }

  /** The public JWK set, including retired keys; with a purpose, the keys whose signatures can count for it. */
  async all(purpose?: KeyPurpose): Promise<{ keys: PublishedKey[] }> {
    await this.refresh(false);
    return { keys: this.published.filter((key) => purpose === undefined || servesPurpose(key, purpose)) };
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
    const usable = keys.filter(({ kid, kty, crv }) => kid && kty === 'OKP' && crv === 'Ed25519');
    const imported = await Promise.all(
      usable
        .filter((key) => servesPurpose(key, 'tokens') && !key.revoked && !retired.includes(key.kid))
        .map(async (key) => [key.kid, (await importJWK(key as JWK, 'EdDSA')) as CryptoKey] as const),
    );
    this.published = usable;
    this.keys = new Map(imported);
    this.fetchedAt = now;
  }
}
