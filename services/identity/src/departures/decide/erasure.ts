import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { UserEvent } from '#libs/contracts';
import { sql } from 'kysely';

/** Removes what a deleted person has left behind beside the rows that rules speak of. */
@Injectable()
export class Erasure {
  constructor(private readonly em: EntityManager) {}

  /** In the transaction that decides the deletion, after the rules. */
  async erase(deletions: readonly UserEvent[]): Promise<void> {
    const ids = deletions.map(({ data }) => data.userId);
    await this.deleteCredentials(ids);
    await this.withdraw(deletions);
    await this.eraseReasons(ids, { except: deletions.map(({ data }) => data.departure!.id) });
  }

  /** Where somebody was and with what. All of it has been revoked: gateways have heard of it. */
  async deleteCredentials(userIds: readonly string[]): Promise<void> {
    const db = this.em.getKysely();
    await sql`delete from session where user_id = any(${[...userIds]}::uuid[])`.execute(db);
    await sql`delete from api_token where user_id = any(${[...userIds]}::uuid[])`.execute(db);
    await sql`delete from password_reset where user_id = any(${[...userIds]}::uuid[])`.execute(db);
  }

  /**
   * Why people left is about them, and so is what their address can be told by.
   * @param except departures that still go on
   */
  async eraseReasons(userIds: readonly string[], { except = [] }: { except?: readonly string[] } = {}): Promise<void> {
    const db = this.em.getKysely();
    await sql`
      update departure set reason = null, address_digest = null
      where user_id = any(${[...userIds]}::uuid[]) and id <> all(${[...except]}::uuid[]) and num_nonnulls(reason, address_digest) > 0`.execute(
      db,
    );
  }

  /** Older events hold a name. Whoever has not had them learns all there is to know from the deletion. */
  private async withdraw(deletions: readonly UserEvent[]): Promise<void> {
    await sql`
      delete from outbox o using unnest(${deletions.map(({ data }) => data.userId)}::uuid[],
        ${deletions.map(({ data }) => data.seq)}::bigint[]) as n (user_id, seq)
      where o.user_id = n.user_id and o.seq < n.seq`.execute(this.em.getKysely());
  }
}
