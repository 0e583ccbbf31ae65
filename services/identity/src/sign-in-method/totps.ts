import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type NewTotp } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { Secret, TOTP } from 'otpauth';
import { KeyEncryption } from '../signing-key/key-encryption.js';

/** 160 bits, as RFC 4226 recommends. */
const SECRET_BYTES = 20;
const PERIOD_S = 30;
/** Steps that the clock of a phone may differ. */
const WINDOW = 1;
const PENDING_MS = 3_600_000;

interface StoredTotp {
  id: string;
  sealed_secret: string;
}

/** Authenticator apps (RFC 6238). A user has one, and at most one more that is not confirmed yet. */
@Injectable()
export class Totps {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Replaces one that was not confirmed. In the caller's transaction, which has locked the user. */
  async begin(userId: string, label: string): Promise<NewTotp> {
    const id = this.ids.next();
    const secret = this.ids.secret(SECRET_BYTES);
    await sql`delete from totp where user_id = ${userId} and confirmed_at is null`.execute(this.db);
    await sql`
      insert into totp (id, user_id, sealed_secret, created_at)
      values (${id}, ${userId}, ${this.encryption.encrypt(secret, id)}, ${this.clock.now()})`.execute(this.db);
    const totp = totpOf(secret, label);
    return { secret: totp.secret.base32, uri: totp.toString() };
  }

  /**
   * Replaces a confirmed one. In the caller's transaction, which has locked the user.
   * @throws Problem `conflict` if none waits; `validation` for a wrong code
   */
  async confirm(userId: string, code: string): Promise<void> {
    const since = new Date(this.clock.millis() - PENDING_MS);
    const { rows } = await sql<StoredTotp>`
      select id, sealed_secret from totp
      where user_id = ${userId} and confirmed_at is null and created_at > ${since}`.execute(this.db);
    const [pending] = rows;
    if (!pending) throw new Problem('conflict', { detail: 'Begin with `POST /v1/me/totp`.' });
    const step = this.stepOf(pending, code);
    if (step === undefined) {
      const errors = [{ field: 'code', message: 'code must be the one that the authenticator app shows now' }];
      throw new Problem('validation', { errors });
    }
    await sql`delete from totp where user_id = ${userId} and confirmed_at is not null`.execute(this.db);
    await sql`
      update totp set confirmed_at = ${this.clock.now()}, last_step = ${step} where id = ${pending.id}`.execute(
      this.db,
    );
  }

  /** In the caller's transaction. @returns false for a wrong code, and for one that is not newer than the last one used */
  async accept(userId: string, code: string): Promise<boolean> {
    const { rows } = await sql<StoredTotp>`
      select id, sealed_secret from totp where user_id = ${userId} and confirmed_at is not null`.execute(this.db);
    const [stored] = rows;
    const step = stored && this.stepOf(stored, code);
    if (step === undefined) return false;
    const { rows: used } = await sql`
      update totp set last_step = ${step} where id = ${stored!.id} and last_step < ${step} returning id`.execute(
      this.db,
    );
    return used.length > 0;
  }

  /** When the authenticator app was confirmed; null without one. */
  async enabledAt(userId: string): Promise<string | null> {
    const { rows } = await sql<{ confirmed_at: string }>`
      select confirmed_at from totp where user_id = ${userId} and confirmed_at is not null`.execute(this.db);
    return rows[0]?.confirmed_at ?? null;
  }

  /** @returns whether there was one. One that is not confirmed goes, too. */
  async remove(userId: string): Promise<boolean> {
    const { rows } = await sql<{ confirmed: boolean }>`
      delete from totp where user_id = ${userId} returning confirmed_at is not null as confirmed`.execute(this.db);
    return rows.some(({ confirmed }) => confirmed);
  }

  /** The number of the 30 seconds to which the code belongs, near now. */
  private stepOf({ id, sealed_secret: sealed }: StoredTotp, code: string): number | undefined {
    const totp = totpOf(this.encryption.decrypt(sealed, id), '');
    const now = this.clock.millis();
    const delta = totp.validate({ token: code, timestamp: now, window: WINDOW });
    return delta === null ? undefined : Math.floor(now / (PERIOD_S * 1_000)) + delta;
  }

  private get db() {
    return this.em.getKysely();
  }
}

function totpOf(secret: string, label: string): TOTP {
  const bytes = new Uint8Array(Buffer.from(secret, 'base64url'));
  return new TOTP({
    issuer: 'Leaver',
    label,
    secret: new Secret({ buffer: bytes.buffer }),
    digits: 6,
    period: PERIOD_S,
  });
}
