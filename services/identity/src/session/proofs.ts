import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';

/** How long a proof of identity counts. */
const LIFETIME_MS = 10 * 60_000;

const NO_SESSION = 'A token cannot do this. Sign in.';
const NOT_RECENT = 'First prove who you are with `POST /v1/auth/step-up`; that counts for ten minutes.';

/**
 * Proofs of identity: a session has one for ten minutes after its user has proved who they are. They are kept with the
 * session, because the claims of an access token are older than what they say.
 */
@Injectable()
export class Proofs {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `step-up-required` without a recent proof */
  async require({ userId, sessionId }: Principal): Promise<void> {
    if (sessionId === undefined) throw new Problem('step-up-required', { detail: NO_SESSION });
    const since = new Date(this.clock.millis() - LIFETIME_MS);
    const { rows } = await sql`
      select id from session
      where id = ${sessionId} and user_id = ${userId} and revoked_at is null and proven_at > ${since}`.execute(this.db);
    if (rows.length === 0) throw new Problem('step-up-required', { detail: NOT_RECENT });
  }

  /**
   * Records that the user of this session has just proved who they are.
   * @returns until when it counts
   * @throws Problem `step-up-required` for a caller without a session
   */
  async record({ userId, sessionId }: Principal): Promise<Date> {
    const now = this.clock.now();
    const { rows } = await sql`
      update session set proven_at = ${now}
      where id = ${sessionId ?? null} and user_id = ${userId} and revoked_at is null returning id`.execute(this.db);
    if (rows.length === 0) throw new Problem('step-up-required', { detail: NO_SESSION });
    return new Date(now.getTime() + LIFETIME_MS);
  }

  private get db() {
    return this.em.getKysely();
  }
}
