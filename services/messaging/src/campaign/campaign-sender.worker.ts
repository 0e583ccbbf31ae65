import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Recipient } from '#libs/contracts';
import { Directory } from '#libs/database';
import { Worker, WorkerContext } from '#libs/jobs';
import { Outgoing } from '../message/outgoing.js';
import { Recipients } from '../message/recipients.js';
import { SendingInboxes, type SendingInbox } from '../message/sending-inboxes.js';

const PAGE_SIZE = 500;
/** Longer than the request for the recipients can take. */
const LEASE_MS = 60_000;

interface Due {
  id: string;
  account_id: string;
  text: string;
  definition: Record<string, unknown>;
  inbox_id: string | null;
  owner_id: string;
  team_ids: string[];
  sent_up_to: string | null;
}

/** Sends campaigns when they are due, one page of contacts per transaction, even if the owner has left. */
@Injectable()
export class CampaignSender extends Worker<Due> {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly recipients: Recipients,
    private readonly inboxes: SendingInboxes,
    private readonly outgoing: Outgoing,
    context: WorkerContext,
  ) {
    super(context, { name: 'campaigns', wokenBy: ['campaign'], leaseMs: LEASE_MS });
  }

  protected override async claim(limit: number): Promise<Due[]> {
    const now = this.clock.now();
    const { rows } = await sql<Due>`
      with due as (
        select id from campaign
        where status in ('scheduled', 'sending') and at <= ${now} and (lease_until is null or ${this.isPast('lease_until')})
        order by at limit ${limit} for update skip locked)
      update campaign c set lease_until = ${this.leaseUntil()} from due where c.id = due.id
      returning c.id, c.account_id, c.text, c.definition, c.inbox_id, c.owner_id, c.team_ids, c.sent_up_to`.execute(
      this.em.fork().getKysely(),
    );
    return rows;
  }

  protected override async run(due: Due): Promise<void> {
    const { account_id: accountId, definition, sent_up_to: after } = due;
    const page = await this.recipients.page({ accountId, definition, after, limit: PAGE_SIZE });
    await this.directory.withLookup(() =>
      RequestContext.create(this.em, () =>
        this.em.transactional(() => this.send(due, page.contacts, page.next === null)),
      ),
    );
  }

  protected override about({ id }: Due): object {
    return { campaign: id };
  }

  private async send(due: Due, contacts: readonly Recipient[], last: boolean): Promise<void> {
    const inbox = await this.inboxOf(due);
    // Compare-and-set on `sent_up_to`: of two replicas only one sends this page, so no contact gets the message twice.
    const { rows } = await sql`
      update campaign set status = ${last ? 'sent' : 'sending'}, lease_until = null, sent_up_to = ${contacts.at(-1)?.id ?? due.sent_up_to}
      where id = ${due.id} and status in ('scheduled', 'sending') and sent_up_to is not distinct from ${due.sent_up_to}
      returning id`.execute(this.em.getKysely());
    if (rows.length === 0) return;
    const letter = { text: due.text, sentBy: due.owner_id, teamIds: due.team_ids };
    await this.outgoing.queue(inbox, letter, contacts);
  }

  /** New conversations do not go to a personal inbox whose owner has left. */
  private async inboxOf({ account_id: accountId, inbox_id: inboxId }: Due): Promise<SendingInbox> {
    const own = inboxId ? await this.inboxes.named(accountId, inboxId) : undefined;
    const usable = own && (!own.ownerId || !(await this.directory.lockAndCheckLeft(accountId, own.ownerId)));
    return usable ? own : this.inboxes.forCampaigns(accountId);
  }
}
