import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DRAFT_DAYS, Problem, type DepartureDraft, type DraftChoices } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../../common/moments.js';
import type { UserRow } from '../../user/user-rows.js';

const LIFETIME_MS = DRAFT_DAYS * 86_400_000;

interface DraftRow {
  user_id: string;
  saved_by: string;
  choices: Omit<DraftChoices, 'reason'>;
  reason: string | null;
  saved_at: string;
  expires_at: string;
}

/** The table of drafts: at most one a user, which the managers of the account share. */
@Injectable()
export class Drafts {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** The caller has locked the user, so that no decision comes in between. */
  async save(user: UserRow, savedBy: string, { reason, ...choices }: DraftChoices): Promise<DepartureDraft> {
    const now = this.clock.now();
    const { rows } = await sql<DraftRow>`
      insert into departure_draft (user_id, account_id, saved_by, choices, reason, saved_at, expires_at)
      values (${user.id}, ${user.account_id}, ${savedBy}, ${JSON.stringify(choices)}::jsonb, ${reason ?? null}, ${now},
        ${new Date(now.getTime() + LIFETIME_MS)})
      on conflict (user_id) do update set saved_by = excluded.saved_by, choices = excluded.choices,
        reason = excluded.reason, saved_at = excluded.saved_at, expires_at = excluded.expires_at
      returning *`.execute(this.db);
    return draftOf(rows[0]!);
  }

  /** @throws Problem `not-found` */
  async get({ id, account_id: accountId }: UserRow): Promise<DepartureDraft> {
    const { rows } = await sql<DraftRow>`
      select * from departure_draft
      where user_id = ${id} and account_id = ${accountId} and expires_at > ${this.clock.now()}`.execute(this.db);
    if (!rows[0]) throw new Problem('not-found', { detail: 'There is no draft for this user.' });
    return draftOf(rows[0]);
  }

  /** Deletes the drafts about users about whom something has been decided. */
  async drop(userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    await sql`delete from departure_draft where user_id = any(${[...userIds]}::uuid[])`.execute(this.db);
  }

  private get db() {
    return this.em.getKysely();
  }
}

const draftOf = ({ user_id, saved_by, choices, reason, saved_at, expires_at }: DraftRow): DepartureDraft => ({
  ...choices,
  ...(reason !== null && { reason }),
  userId: user_id,
  savedBy: saved_by,
  savedAt: isoOf(saved_at),
  expiresAt: isoOf(expires_at),
});
