import { EntityManager } from '@mikro-orm/postgresql';
import type { NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { NATS } from '#libs/broker';
import {
  departureProgress,
  type DepartureEvent,
  type DepartureMailKind,
  type DepartureNewsType,
  type DepartureStatus,
} from '#libs/contracts';
import { AfterCommit, Clock, Ids, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { Audit, type NewEntry } from '../../audit/audit.js';
import { DepartureSignals } from './departure-signals.js';
import { announcementOf } from './transitions.js';

/** A departure before and after a statement that changed it. */
export interface Change {
  id: string;
  account_id: string;
  user_id: string;
  transition: string;
  /** `none` for a departure that the statement created. */
  before: DepartureStatus | 'none';
  status: DepartureStatus;
  done_before: number;
  done: number;
  total_before: number;
  total: number;
  /** The number of the latest progress event, including those of this change. */
  events: number;
}

/** The columns of `Change` for a `returning` clause on `departure d`. */
export const CHANGE = sql`d.id, d.account_id, d.user_id, d.transition, coalesce(old.status, 'none') as before, new.status,
  coalesce(old.done, 0) as done_before, new.done, coalesce(old.total, 0) as total_before, new.total, new.events`;

/** An assignment in an update of `departure d` that ends: erases the text to the contacts, but not that there was one. */
export const WITHOUT_TEXT = sql`wishes = d.wishes #- '{tellContacts,text}'`;

export interface ProgressEvent extends Pick<DepartureEvent, 'type' | 'data'> {
  departureId: string;
}

/** Who changed the departures, and further details for the audit trail. */
export interface Facts {
  by?: Pick<NewEntry, 'actorId' | 'system'>;
  /** The action in the audit trail: instead of that of the transition, or for changes that leave the status as it is. */
  action?: string;
  /** The notification of changes that leave the status as it is. */
  news?: DepartureNewsType;
  detail?: (change: Change) => Record<string, unknown>;
}

/** Successive events of one type and departure share a row of `departure_event`. */
interface EventRun extends ProgressEvent {
  data: unknown[];
}

const EVENT = { departure_id: 'uuid', n: 'int', count: 'int', type: 'text', data: 'jsonb' };

/** How a departure that waits for approval ends without one. */
const END_UNDECIDED: readonly DepartureStatus[] = ['cancelled', 'superseded'];

/** What people are told by mail of a departure that gets this status. */
const MAILS: Partial<Record<DepartureStatus, DepartureMailKind>> = {
  'awaiting-approval': 'approval-wanted',
  scheduled: 'departure-scheduled',
  completed: 'departure-completed',
  failed: 'departure-failed',
};

/** Whether the change is a progress event. */
const isVisible = ({ before, status, done_before, done, total_before, total }: Change): boolean =>
  before !== 'none' && (before !== status || done_before !== done || total_before !== total);

/**
 * Writes the progress events, notifications and audit entries of a change. Only the store calls it, in the transaction of the
 * change.
 */
@Injectable()
export class TransitionLog {
  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly em: EntityManager,
    private readonly audit: Audit,
    private readonly afterCommit: AfterCommit,
    private readonly signals: DepartureSignals,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * @param changes with `events` raised by the number of progress events that belong to them
   * @param progress events of rules and services; they come before the event of the change itself
   * @throws TypeError for a status transition that is not allowed
   */
  async record(changes: readonly Change[], progress: readonly ProgressEvent[], facts: Facts = {}): Promise<void> {
    const moved = changes.filter(({ before, status }) => before !== status);
    const announcements = moved.map((change) => ({ change, ...announcementOf(change.before, change.status) }));
    await this.withdrawApprovals(moved);
    await this.writeProgress(changes, progress);
    const { by, action, detail } = facts;
    const notifications = [
      ...announcements.map(({ change: { id }, news }) => ({ id, news })),
      ...changes.filter(({ before, status }) => before === status).map(({ id }) => ({ id, news: facts.news })),
    ];
    await this.writeNews(notifications.flatMap(({ id, news }) => (news ? [{ id, news }] : [])));
    await this.requestMails([
      ...moved.flatMap(({ id, status }) => (MAILS[status] ? [{ id, kind: MAILS[status], sent: false }] : [])),
      ...(facts.news === 'departure.announced'
        ? changes.map(({ id }) => ({ id, kind: 'erasure-reminder' as const, sent: false }))
        : []),
      // A departure that is reopened is completed again, which is no news.
      ...moved
        .filter(({ before }) => before === 'completed')
        .map(({ id }) => ({ id, kind: 'departure-completed' as const, sent: true })),
    ]);
    if (!by) return;
    const audited = [
      ...announcements.map(({ change, audit }) => ({ change, audit: action ?? audit })),
      ...changes.filter(({ before, status }) => before === status).map((change) => ({ change, audit: action })),
    ];
    await this.audit.append(
      audited.flatMap(({ change, audit }) =>
        audit ? [{ ...entryOf(change, audit, by), detail: detail?.(change) ?? detailOf(change) }] : [],
      ),
    );
  }

  /** Of departures that have ended in another way than by a decision about the approval. */
  private async withdrawApprovals(moved: readonly Change[]): Promise<void> {
    const ended = moved.filter(
      ({ before, status }) => before === 'awaiting-approval' && END_UNDECIDED.includes(status),
    );
    if (ended.length === 0) return;
    await sql`
      update approval set outcome = 'withdrawn', plan_token = null
      where id = any(${ended.map(({ id }) => id)}::uuid[]) and outcome is null`.execute(this.em.getKysely());
  }

  private async writeProgress(changes: readonly Change[], progress: readonly ProgressEvent[]): Promise<void> {
    const others = Map.groupBy(progress, ({ departureId }) => departureId);
    const rows = changes.flatMap((change) => {
      const events = [...(others.get(change.id) ?? []), ...(isVisible(change) ? [eventOf(change)] : [])];
      let n = change.events - events.length;
      return runsOf(events).map(({ type, data }) => ({
        departure_id: change.id,
        n: (n += data.length),
        count: data.length,
        type,
        data: data.length === 1 ? data[0] : data,
      }));
    });
    if (rows.length === 0) return;
    await sql`
      insert into departure_event (departure_id, n, count, type, data)
      select departure_id, n, count, type, data from ${relationOf('e', rows, EVENT)}`.execute(this.em.getKysely());
    const watched = new Set(rows.map((row) => row.departure_id));
    this.afterCommit.run(async () => {
      for (const id of watched) this.nats.publish(departureProgress(id));
    });
  }

  /** A departure has each kind of mail once, and that of a failure once per round. `departures/tell` writes them. */
  private async requestMails(mails: readonly { id: string; kind: DepartureMailKind; sent: boolean }[]): Promise<void> {
    if (mails.length === 0) return;
    await sql`
      insert into departure_mail (departure_id, kind, round, requested_at, sent)
      select d.id, n.kind, case n.kind when 'departure-failed' then d.round else 0 end, ${this.clock.now()}::timestamptz, n.sent
      from ${relationOf('n', mails, { id: 'uuid', kind: 'text', sent: 'boolean' })} join departure d on d.id = n.id
      on conflict do nothing`.execute(this.em.getKysely());
  }

  /** A departure has each type of notification at most once per round. */
  private async writeNews(news: readonly { id: string; news: DepartureNewsType }[]): Promise<void> {
    if (news.length === 0) return;
    const rows = news.map((one) => ({ departure_id: one.id, type: one.news, id: this.ids.next() }));
    await sql`
      insert into departure_news (departure_id, type, round, id, at)
      select d.id, n.type, d.round, n.id, ${this.clock.now()}::timestamptz
      from ${relationOf('n', rows, { departure_id: 'uuid', type: 'text', id: 'uuid' })}
      join departure d on d.id = n.departure_id
      on conflict do nothing`.execute(this.em.getKysely());
    this.afterCommit.run(async () => void this.signals.emit('announced'));
  }
}

const entryOf = (change: Change, action: string, by: NonNullable<Facts['by']>) => ({
  accountId: change.account_id,
  action,
  ...by,
  subjectId: change.user_id,
});

const detailOf = ({ id: departureId, transition }: Change) => ({ departureId, transition });

const eventOf = ({ id, status, done, total }: Change): ProgressEvent => ({
  departureId: id,
  type: 'departure',
  data: { id, status, progress: { done, total } },
});

function runsOf(events: readonly ProgressEvent[]): EventRun[] {
  const runs: EventRun[] = [];
  for (const { departureId, type, data } of events) {
    const last = runs.at(-1);
    if (last?.type === type) last.data.push(data);
    else runs.push({ departureId, type, data: [data] });
  }
  return runs;
}
