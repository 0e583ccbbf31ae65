import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';

/** Of a million codes three are valid at a time: ten guesses an hour take years to hit one. */
const MAX_GUESSES = 10;
const WINDOW_MS = 3_600_000;

/** Limits guesses of the codes of a user, from whatever address and at all replicas together. Passkeys cannot be guessed. */
@Injectable()
export class CodeGuesses {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Call it before a code is checked, in a transaction that is committed whatever the result.
   * @throws Problem `too-many-requests`
   */
  async take(userId: string): Promise<void> {
    const now = this.clock.now();
    const horizon = new Date(now.getTime() - WINDOW_MS);
    const { rows } = await sql`
      insert into code_guess as g (user_id, since, guesses) values (${userId}, ${now}, 1)
      on conflict (user_id) do update set
        since = case when g.since <= ${horizon} then excluded.since else g.since end,
        guesses = case when g.since <= ${horizon} then 1 else g.guesses + 1 end
      where g.since <= ${horizon} or g.guesses < ${MAX_GUESSES}
      returning user_id`.execute(this.db);
    if (rows.length === 0) throw await this.refusal(userId);
  }

  /** The code was right. */
  async forget(userId: string): Promise<void> {
    await sql`delete from code_guess where user_id = ${userId}`.execute(this.db);
  }

  private async refusal(userId: string): Promise<Problem> {
    const { rows } = await sql<{ since: string }>`select since from code_guess where user_id = ${userId}`.execute(
      this.db,
    );
    const until = rows[0] ? Date.parse(rows[0].since) + WINDOW_MS : this.clock.millis();
    const retryAfter = Math.max(1, Math.ceil((until - this.clock.millis()) / 1_000));
    return new Problem('too-many-requests', {
      detail: 'Too many wrong codes. Use a passkey, or try again later.',
      retryAfter,
    });
  }

  private get db() {
    return this.em.getKysely();
  }
}
