import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { AfterCommit, Clock, Ids } from '#libs/database';

const MINUTE = 60_000;
/** Answers for one leaver in a minute. Contacts above it are answered when they write again. */
const MOST_PER_MINUTE = 20;

export interface AnsweredText {
  accountId: string;
  leaverId: string;
  contactId: string;
  /** The inbox that was written to. Without it, the answer comes from the first personal inbox of the leaver. */
  inboxId?: string;
  /** The number that was written to. */
  number?: string;
}

/** Records which contacts are to be answered automatically, once each. */
@Injectable()
export class AutoReplies {
  constructor(
    private readonly em: EntityManager,
    private readonly afterCommit: AfterCommit,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** Records it when the running transaction has ended, also if the text is refused. */
  recordAfterCall(text: AnsweredText): void {
    this.afterCommit.runEitherWay(() => this.record(text));
  }

  /** A leaver without a personal inbox answers nobody, because the carrier would not know from where. */
  private async record({ accountId, leaverId, contactId, inboxId, number }: AnsweredText): Promise<void> {
    const now = this.clock.now();
    await sql`
      insert into auto_reply (id, account_id, leaver_id, contact_id, inbox_id, from_number, due_at, created_at)
      select ${this.ids.next()}, ${accountId}, ${leaverId}, ${contactId}, i.id, ${number ?? null}, ${now}, ${now}
      from message_inbox i
      where i.account_id = ${accountId} and i.owner_id = ${leaverId} and i.kind = 'personal'
        and i.id = coalesce(${inboxId ?? null}::uuid, i.id)
        and (select count(*) from auto_reply r where r.leaver_id = ${leaverId}
          and r.created_at > ${new Date(now.getTime() - MINUTE)}) < ${MOST_PER_MINUTE}
      order by i.id limit 1
      on conflict do nothing`.execute(this.em.fork().getKysely());
  }
}
