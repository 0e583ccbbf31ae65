import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type SsoProofPurpose } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '../../common/secrets.js';
import { KeyEncryption } from '../../signing-key/key-encryption.js';

const LIFETIME_MS = 10 * 60_000;
/** How many old attempts each new one deletes. */
const SWEPT = 20;

interface AttemptFacts {
  accountId: string;
  returnTo: string;
  /** For what the browser goes to the provider. */
  purpose: 'sign-in' | SsoProofPurpose;
  /** Who asked for a proof, in which session. */
  userId?: string;
  sessionId?: string;
}

/** What must come back from the provider, or be sent to it. */
export interface Secrets {
  state: string;
  nonce: string;
  verifier: string;
  /** Only the browser that has begun knows it. */
  browser: string;
}

export interface Attempt extends AttemptFacts, Pick<Secrets, 'state' | 'nonce' | 'verifier'> {
  begunAt: Date;
}

interface AttemptRow {
  browser_hash: Buffer;
  nonce: string;
  sealed_verifier: string;
  return_to: string;
  purpose: Attempt['purpose'];
  user_id: string | null;
  session_id: string | null;
  expires_at: string;
}

/** Ways to the provider from which browsers have not come back yet. All methods run in the caller's transaction. */
@Injectable()
export class Attempts {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async begin({ accountId, returnTo, purpose, userId, sessionId }: AttemptFacts): Promise<Secrets> {
    const [state, nonce, verifier, browser] = [0, 1, 2, 3].map(() => this.ids.secret(32)) as [
      string,
      string,
      string,
      string,
    ];
    const now = this.clock.now();
    await this.sweep(now);
    await sql`
      insert into sso_attempt (state_hash, account_id, browser_hash, nonce, sealed_verifier, return_to, purpose, user_id,
        session_id, expires_at)
      values (${sha256(state)}, ${accountId}, ${sha256(browser)}, ${nonce}, ${this.encryption.encrypt(verifier, state)},
        ${returnTo}, ${purpose}, ${userId ?? null}, ${sessionId ?? null},
        ${new Date(now.getTime() + LIFETIME_MS)})`.execute(this.em.getKysely());
    return { state, nonce, verifier, browser };
  }

  /**
   * Takes an attempt, which counts once. Commit before asking the provider, so that a repeated answer finds none.
   * @returns undefined if there is none with this state
   */
  async take(accountId: string, state: string): Promise<((browser: string | null) => Attempt) | undefined> {
    const { rows } = await sql<AttemptRow>`
      delete from sso_attempt where state_hash = ${sha256(state)} and account_id = ${accountId}
      returning browser_hash, nonce, sealed_verifier, return_to, purpose, user_id, session_id, expires_at`.execute(
      this.em.getKysely(),
    );
    const [row] = rows;
    return row && ((browser) => this.check(accountId, state, row, browser));
  }

  /** @throws Problem `sso-failed` for another browser, or too late */
  private check(accountId: string, state: string, row: AttemptRow, browser: string | null): Attempt {
    // Otherwise somebody could have another person's browser signed in as themselves.
    if (browser === null || !timingSafeEqual(sha256(browser), row.browser_hash)) throw failed(OTHER_BROWSER);
    const expiresAt = Date.parse(row.expires_at);
    if (expiresAt <= this.clock.millis()) throw failed(TOO_LATE);
    return {
      accountId,
      state,
      nonce: row.nonce,
      verifier: this.encryption.decrypt(row.sealed_verifier, state),
      returnTo: row.return_to,
      purpose: row.purpose,
      begunAt: new Date(expiresAt - LIFETIME_MS),
      ...(row.user_id !== null && { userId: row.user_id }),
      ...(row.session_id !== null && { sessionId: row.session_id }),
    };
  }

  private async sweep(now: Date): Promise<void> {
    await sql`
      delete from sso_attempt where state_hash in (
        select state_hash from sso_attempt where expires_at < ${now} order by expires_at limit ${SWEPT}
        for update skip locked)`.execute(this.em.getKysely());
  }
}

export const failed = (detail: string) => new Problem('sso-failed', { detail });
export const TOO_LATE = 'This sign-in was begun too long ago, or is already used. Begin again.';
const OTHER_BROWSER = 'This sign-in was begun in another browser. Begin again.';
