import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { RotatingMac } from '../../common/rotating-mac.js';
import { sha256 } from '../../common/secrets.js';
import { IdentityConfig } from '../../identity.config.js';

export const CHALLENGE_LIFETIME_MS = 5 * 60_000;

const RANDOM_BYTES = 16;
const EXPIRY_BYTES = 6;
const MAC_BYTES = 32;
const SWEPT_AT_ONCE = 100;

/** What a challenge is for: a sign-in, or a new passkey of this user. */
export type ChallengePurpose = 'sign-in' | { newPasskeyOf: string };

/**
 * Challenges that authenticators sign. They carry their expiry and our signature, so anybody may ask for some without filling a
 * table; only the digests of used ones are kept.
 */
@Injectable()
export class PasskeyChallenges {
  private readonly mac: RotatingMac;

  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
    config: IdentityConfig,
  ) {
    this.mac = new RotatingMac(config, 'passkey challenge');
  }

  issue(purpose: ChallengePurpose): Uint8Array<ArrayBuffer> {
    const expiry = Buffer.alloc(EXPIRY_BYTES);
    expiry.writeUIntBE(this.clock.millis() + CHALLENGE_LIFETIME_MS, 0, EXPIRY_BYTES);
    const body = Buffer.concat([Buffer.from(this.ids.secret(RANDOM_BYTES), 'base64url'), expiry]);
    return new Uint8Array(Buffer.concat([body, this.mac.sign(signedText(body, purpose))]));
  }

  /** In the caller's transaction. @returns false unless it is ours, for this purpose, not expired and used for the first time */
  async use(challenge: string, purpose: ChallengePurpose): Promise<boolean> {
    const bytes = Buffer.from(challenge, 'base64url');
    if (bytes.length !== RANDOM_BYTES + EXPIRY_BYTES + MAC_BYTES) return false;
    const body = bytes.subarray(0, RANDOM_BYTES + EXPIRY_BYTES);
    const expiresAt = body.readUIntBE(RANDOM_BYTES, EXPIRY_BYTES);
    if (expiresAt <= this.clock.millis()) return false;
    if (!this.mac.accepts(signedText(body, purpose), bytes.subarray(RANDOM_BYTES + EXPIRY_BYTES))) return false;
    await this.sweep();
    const { rows } = await sql`
      insert into used_passkey_challenge (digest, expires_at)
      values (${sha256(body.toString('base64url'))}, ${new Date(expiresAt)})
      on conflict do nothing returning digest`.execute(this.em.getKysely());
    return rows.length > 0;
  }

  private async sweep(): Promise<void> {
    await sql`
      delete from used_passkey_challenge where digest in (
        select digest from used_passkey_challenge where expires_at <= ${this.clock.now()}
        limit ${SWEPT_AT_ONCE} for update skip locked)`.execute(this.em.getKysely());
  }
}

const signedText = (body: Buffer, purpose: ChallengePurpose): string =>
  `${purpose === 'sign-in' ? purpose : `new passkey of ${purpose.newPasskeyOf}`} ${body.toString('base64url')}`;
