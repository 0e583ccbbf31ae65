import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import {
  EXPORT_DOWNLOADED,
  EXPORT_REQUESTED,
  EXPORTED,
  KEEP_DETAIL,
  SCRUBBED,
  SIGN_IN_FAILED,
} from './audit-entry.entity.js';
import { detailDigest, entryHash, GENESIS } from './chain.js';

export { EXPORT_DOWNLOADED, EXPORT_REQUESTED, EXPORTED, SCRUBBED, SIGN_IN_FAILED };

export interface NewEntry {
  accountId: string;
  /** What happened, in the past tense where possible: `user.updated`. */
  action: string;
  /** The user who did it; undefined if the system did. */
  actorId?: string;
  /** The part of the system that did it, if no user did. */
  system?: string;
  subjectId?: string;
  /** Can contain personal data of the subject only, because it is erased when the subject is deleted. */
  detail?: Record<string, unknown>;
}

/** The caller as the fields of an entry. */
export const actorOf = ({ userId, system }: Principal): Pick<NewEntry, 'actorId' | 'system'> =>
  system === undefined ? { actorId: userId } : { system };

/** The audit trail: one hash chain per account. */
@Injectable()
export class Audit {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Appends entries in the transaction of the change that they record. It locks the account's chain until the
   * transaction ends, so call it last, and once for many entries.
   */
  async append(entries: readonly NewEntry[]): Promise<void> {
    if (entries.length > 0) await this.write(entries);
  }

  /** The same for one entry. @returns where and when it was appended */
  async appendOne(entry: NewEntry): Promise<{ seq: number; at: string }> {
    const [written] = await this.write([entry]);
    return written!;
  }

  private async write(entries: readonly NewEntry[]): Promise<{ seq: number; at: string }[]> {
    const accounts = [...new Set(entries.map((entry) => entry.accountId))].sort();
    const heads = await this.lockHeads(accounts);
    // Entries about deleted users get no detail, because it could contain what the deletion has erased.
    const deleted = await this.deletedAmong(entries.flatMap((entry) => (entry.detail && entry.subjectId) || []));
    const rows = entries.map((entry) => {
      const gone = deleted.has(entry.subjectId ?? '') && !KEEP_DETAIL.includes(entry.action);
      return this.link(gone ? { ...entry, detail: undefined } : entry, heads.get(entry.accountId)!);
    });
    const moved = [...heads].map(([account_id, head]) => ({ account_id, ...head }));
    await sql`
      with entries as (
        insert into audit_entry (id, account_id, seq, at, action, actor_id, system, subject_id, detail, salt, detail_digest, prev_hash, hash)
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as e (id uuid, account_id uuid, seq bigint, at timestamptz,
          action text, actor_id uuid, system text, subject_id uuid, detail text, salt text, detail_digest text, prev_hash text, hash text)
      )
      update audit_head h set seq = m.seq, hash = m.hash
      from jsonb_to_recordset(${JSON.stringify(moved)}::jsonb) as m (account_id uuid, seq bigint, hash text)
      where h.account_id = m.account_id`.execute(this.em.getKysely());
    return rows.map(({ seq, at }) => ({ seq, at }));
  }

  /** The number of entries about and by each user whose details a deletion erases. */
  async countScrubbable(userIds: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await sql<{ id: string; entries: number }>`
      select u.id, count(*)::int as entries from unnest(${[...userIds]}::uuid[]) u (id)
      join audit_entry e on (e.subject_id = u.id or e.actor_id = u.id) and e.detail is not null and e.action <> all(${KEEP_DETAIL}::text[])
      group by u.id`.execute(this.em.getKysely());
    return new Map(rows.map((row) => [row.id, row.entries]));
  }

  /**
   * Erases the details of all entries about and by the user, as a deletion does. The entries stay.
   * @returns the number of entries
   */
  async scrub(userId: string): Promise<number> {
    const { rows } = await sql`
      update audit_entry set detail = null, salt = null, scrubbed = true
      where (subject_id = ${userId} or actor_id = ${userId}) and detail is not null and action <> all(${KEEP_DETAIL}::text[])
      returning id`.execute(this.em.getKysely());
    return rows.length;
  }

  private async deletedAmong(userIds: readonly string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const { rows } = await sql<{ id: string }>`
      select id from users where id = any(${userIds}::uuid[]) and status = 'deleted'`.execute(this.em.getKysely());
    return new Set(rows.map((row) => row.id));
  }

  private async lockHeads(accountIds: readonly string[]): Promise<Map<string, Head>> {
    const db = this.em.getKysely();
    const locked = async () => {
      const { rows } = await sql<Head & { account_id: string }>`
        select account_id, seq::float8, hash from audit_head where account_id = any(${accountIds}::uuid[])
        order by account_id for update`.execute(db);
      return new Map(rows.map(({ account_id, seq, hash }) => [account_id, { seq, hash }]));
    };
    const heads = await locked();
    if (heads.size === accountIds.length) return heads;
    await sql`
      insert into audit_head (account_id, seq, hash) select id, 0, ${GENESIS} from unnest(${accountIds}::uuid[]) id
      order by id on conflict do nothing`.execute(db);
    return locked();
  }

  private link({ accountId, action, actorId, system, subjectId, detail }: NewEntry, head: Head) {
    const text = detail ? JSON.stringify(detail) : null;
    const salt = text === null ? null : this.ids.secret(16);
    const facts = {
      accountId,
      seq: head.seq + 1,
      at: this.clock.now().toISOString(),
      action,
      actorId: actorId ?? null,
      system: system ?? null,
      subjectId: subjectId ?? null,
      detailDigest: text === null ? null : detailDigest(salt!, text),
    };
    const prevHash = head.hash;
    Object.assign(head, { seq: facts.seq, hash: entryHash(prevHash, facts) });
    return {
      id: this.ids.next(),
      account_id: accountId,
      seq: facts.seq,
      at: facts.at,
      action,
      actor_id: facts.actorId,
      system: facts.system,
      subject_id: facts.subjectId,
      detail: text,
      salt,
      detail_digest: facts.detailDigest,
      prev_hash: prevHash,
      hash: head.hash,
    };
  }
}

interface Head {
  seq: number;
  hash: string;
}
