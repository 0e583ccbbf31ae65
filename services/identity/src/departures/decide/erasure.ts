import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import { FormerIdentifiers } from '../../former-identifier/former-identifiers.js';
import { Mail } from '../../mail/mail.js';
import { DepartureStore } from '../store/departure-store.js';

/** Deletes identity's data about deleted users that no rule covers. */
@Injectable()
export class Erasure {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DepartureStore,
    private readonly former: FormerIdentifiers,
    private readonly mail: Mail,
  ) {}

  /** Call in the transaction of the decision, after the rules. */
  async erase(deletions: readonly UserEvent[]): Promise<void> {
    const ids = deletions.map(({ data }) => data.userId);
    await this.deleteCredentials(ids);
    await this.former.erase(ids);
    await this.mail.erase(ids);
    await this.deleteDryRuns(ids);
    await this.deleteEarlierEvents(deletions);
    await this.store.erasePersonal(ids, { except: deletions.map(({ data }) => data.departure!.id) });
  }

  /**
   * Sessions contain IP addresses and devices, links ids at a provider, and passkeys names. They have already been revoked at the
   * gateways.
   */
  async deleteCredentials(userIds: readonly string[]): Promise<void> {
    const db = this.em.getKysely();
    await sql`delete from session where user_id = any(${[...userIds]}::uuid[])`.execute(db);
    await sql`delete from api_token where user_id = any(${[...userIds]}::uuid[])`.execute(db);
    await sql`delete from password_reset where user_id = any(${[...userIds]}::uuid[])`.execute(db);
    for (const table of [
      'passkey',
      'totp',
      'recovery_code',
      'sign_in_challenge',
      'code_guess',
      'sso_link',
      'sso_attempt',
    ])
      await sql`delete from ${sql.table(table)} where user_id = any(${[...userIds]}::uuid[])`.execute(db);
    await sql`delete from email_change where user_id = any(${[...userIds]}::uuid[])`.execute(db);
  }

  /** The rows about them, and the dry runs that they have requested. */
  private async deleteDryRuns(userIds: readonly string[]): Promise<void> {
    const db = this.em.getKysely();
    await sql`delete from bulk_dry_run where requested_by = any(${[...userIds]}::uuid[])`.execute(db);
    await sql`delete from bulk_dry_run_row where user_id = any(${[...userIds]}::uuid[])`.execute(db);
  }

  /** Earlier events contain names. A service that has not received them gets everything it needs from the deletion's event. */
  private async deleteEarlierEvents(deletions: readonly UserEvent[]): Promise<void> {
    await sql`
      delete from outbox o using unnest(${deletions.map(({ data }) => data.userId)}::uuid[],
        ${deletions.map(({ data }) => data.seq)}::bigint[]) as n (user_id, seq)
      where o.user_id = n.user_id and o.seq < n.seq`.execute(this.em.getKysely());
  }
}
