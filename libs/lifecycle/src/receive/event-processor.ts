import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { failpoint, isTransient, retryDelay, type ErrorClass } from '#libs/jobs';
import { isLifecycleType, type Receipt, type UserEvent } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { InboxConversion } from '../run/conversion.js';
import { newestOf, unique } from '../inbox/event-order.js';
import { forgetDeleted, Forgetting } from './forgetting.js';
import * as inbox from '../inbox/inbox.js';
import { fencesOf, raiseFence, upsertDirectory, lockPeople } from '../inbox/directory-rows.js';
import type { Db } from '../declare/where.js';
import { RuleSet } from '../run/rule-set.js';
import type { RowBudget } from '../run/row-budget.js';
import { keyOf, DecisionApplication } from './decision-application.js';

/**
 * Applies user events to the service's data: once each, newest decision wins, many people in one transaction. The
 * caller decides what a failure means for the rest of the batch.
 */
@Injectable()
export class EventProcessor {
  private readonly application: DecisionApplication;

  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly clock: Clock,
    @Optional() conversion?: InboxConversion,
    @Optional() private readonly forgetting?: Forgetting,
  ) {
    this.application = new DecisionApplication(rules, conversion);
  }

  get budget(): RowBudget {
    return this.application.budget;
  }

  set budget(budget: RowBudget) {
    this.application.budget = budget;
  }

  /** One transaction for all of them. Returns what identity should get to know, to be sent after the commit. */
  async apply(events: readonly UserEvent[]): Promise<Receipt[]> {
    return failpoint('receive.commit', () =>
      this.em.fork().transactional((em) => this.applyWithin(em.getKysely(), events)),
    );
  }

  /** The same for an event that waits for its retry; nothing happens if it has been overtaken or taken by another replica. */
  async retry(event: UserEvent): Promise<Receipt[]> {
    return this.em.fork().transactional(async (em) => {
      const db: Db = em.getKysely();
      const fences = await this.lockAndUpdateDirectory(db, [event]);
      const [row] = await inbox.find(db, [keyOf(event)], true);
      if (row?.status !== 'retry') return [];
      return this.decide(db, [event], { fences, fresh: new Set() });
    });
  }

  /** Joins the caller's transaction. */
  async applyWithin(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    const lifecycle = unique(events.filter((event) => isLifecycleType(event.type)));
    const fences = await this.lockAndUpdateDirectory(db, events);
    // Whatever the inbox knows of a person lies behind the fence. Nobody else notes anything about these people before the
    // end of the transaction.
    const behind = lifecycle.filter(({ data }) => (fences.get(data.userId) ?? 0) >= data.lifecycleVersion);
    const known = await inbox.find(db, behind.map(keyOf), true);
    const keys = new Set(known.map(inbox.rowKey));
    const isKnown = (event: UserEvent) => keys.has(inbox.eventKey(event));
    const { resumed, answers } = await this.matchKnown(db, known, lifecycle.filter(isKnown));
    const fresh = lifecycle.filter((event) => !isKnown(event));
    const decided = await this.decide(db, [...fresh, ...resumed], { fences, fresh: new Set(fresh) });
    return [...events.filter((event) => !isLifecycleType(event.type)).map(profileReceipt), ...answers, ...decided];
  }

  /** Notes an event that failed, so that it is tried again from here; the broker need not keep it. */
  async scheduleRetry(event: UserEvent, verdict: ErrorClass): Promise<Receipt[]> {
    return this.em.fork().transactional(async (em) => {
      const db: Db = em.getKysely();
      const now = this.clock.now();
      await this.updateDirectoryForRetry(db, event);
      const superseded = await inbox.supersede(db, [event.data], now);
      if (event.type === 'user.reactivated') await this.application.cancelPending(db, [event.data.userId], now);
      const [known] = await inbox.find(db, [keyOf(event)], true);
      // It is done, or being done in chunks, and only its repetition failed.
      if (known && known.status !== 'retry' && known.status !== 'failed')
        return [...superseded, known].map(inbox.receiptOf);
      if (!known) await inbox.insert(db, [{ event, status: 'running', lines: [] }], now);
      // Asked for once more, it gets a new series of tries.
      const attempts = known && known.round >= event.data.departure!.round ? known.attempts : 0;
      const delay = verdict.kind === 'retry' ? retryDelay(attempts) : undefined;
      if (delay === undefined) {
        await inbox.reschedule(db, event, attempts, now, verdict.code);
        await inbox.markFailed(db, event, verdict.code, now);
      } else {
        await inbox.reschedule(db, event, attempts + 1, new Date(now.getTime() + delay), verdict.code);
      }
      const [parked] = await inbox.find(db, [keyOf(event)]);
      return [...superseded, parked!].map(inbox.receiptOf);
    });
  }

  /**
   * Locks everybody who may be about to leave and then writes what the events say about them. In this order: an update
   * alone would let writers, who hold the row in share, go on reading the old version.
   * @returns the fence at which each of them was
   */
  private async lockAndUpdateDirectory(db: Db, events: readonly UserEvent[]): Promise<Map<string, number>> {
    const lifecycle = events.filter((event) => isLifecycleType(event.type));
    const ids = lifecycle.map((event) => event.data.userId);
    const locked = await lockPeople(db, ids);
    await forgetDeleted(db, events, locked, this.forgetting);
    const people = events.map(({ data }) => data);
    const learned = await upsertDirectory(db, people, versionsOf(lifecycle));
    // Of these something newer is known.
    const others = lifecycle.filter((event) => !learned.has(event.data.userId));
    if (others.length === 0) return new Map([...learned, ...fencesOf(locked)]);
    const found = await lockPeople(
      db,
      others.map((event) => event.data.userId),
    );
    await raiseFence(db, others);
    return new Map([...learned, ...fencesOf(found), ...fencesOf(locked)]);
  }

  /**
   * The same for an event that is put off. Where that is what fails, as it does when a service can't forget somebody, the
   * directory keeps what it knows until it can be done; but the person counts as gone.
   */
  private async updateDirectoryForRetry(db: Db, event: UserEvent): Promise<void> {
    await sql`savepoint meeting`.execute(db);
    try {
      await this.lockAndUpdateDirectory(db, [event]);
    } catch (error) {
      if (isTransient(error)) throw error;
      await sql`rollback to savepoint meeting`.execute(db);
      await lockPeople(db, [event.data.userId]);
      await raiseFence(db, [event], { andStatus: true });
    }
  }

  /** Events that were here before: answered again from what is noted, or begun again when somebody asked for it. */
  private async matchKnown(
    db: Db,
    known: readonly inbox.InboxRow[],
    events: readonly UserEvent[],
  ): Promise<{ resumed: UserEvent[]; answers: Receipt[] }> {
    if (events.length === 0) return { resumed: [], answers: [] };
    const byKey = new Map(events.map((event) => [inbox.eventKey(event), event]));
    const eventOf = (row: inbox.InboxRow) => byKey.get(inbox.rowKey(row))!;
    const askedIn = (row: inbox.InboxRow) => eventOf(row).data.departure!.round;
    // Whoever is through is asked as well when others have failed; the answer has to name the round of the question.
    const behind = new Set(known.filter((row) => row.round < askedIn(row)).map((row) => row.departure_id));
    const rows = known.map((row) => ({ ...row, round: Math.max(row.round, askedIn(row)) }));
    await inbox.raiseRounds(db, rows);
    const again = rows.filter(
      (row) =>
        behind.has(row.departure_id) &&
        (row.status === 'failed' || row.status === 'retry' || this.predatesOurRules(row, eventOf(row))),
    );
    const goingOn = await inbox.resume(db, again, this.clock.now());
    const resumed = again.map(inbox.rowKey).filter((key) => !goingOn.has(key));
    return {
      resumed: resumed.map((key) => byKey.get(key)!),
      answers: rows.filter((row) => !again.includes(row)).map(inbox.receiptOf),
    };
  }

  /** The stream may still hold what was decided before this service came; now it comes with what our rules are to do. */
  private predatesOurRules(row: inbox.InboxRow, { data }: UserEvent): boolean {
    const { steps, policy } = data.departure!;
    return row.status === 'completed' && row.lines.length === 0 && this.rules.plan(steps, policy.rules).length > 0;
  }

  /**
   * Carries out what the events say, unless something newer has been decided about the person.
   * @param fresh those of the events that are not in the inbox
   */
  private async decide(
    db: Db,
    events: readonly UserEvent[],
    { fences, fresh }: { fences: ReadonlyMap<string, number>; fresh: ReadonlySet<UserEvent> },
  ): Promise<Receipt[]> {
    if (events.length === 0) return [];
    const now = this.clock.now();
    const fenceOf = ({ data }: UserEvent) => fences.get(data.userId) ?? 0;
    const current = newestOf(events).filter((event) => event.data.lifecycleVersion >= fenceOf(event));
    const latest = new Set(current);
    const overtaken = events.filter((event) => !latest.has(event));
    const over = overtaken.map((event) => ({ event, status: 'superseded' as const, lines: [] }));
    const first = (event: UserEvent) => fenceOf(event) === 0;
    return [
      ...(await this.application.record(db, over, fresh, now)),
      ...(await this.application.apply(db, current, { fresh, first }, now)),
    ];
  }

  /**
   * For identity, which decides: its users are the directory, locked and changed already in the same transaction.
   */
  async applyDecided(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    return this.application.apply(db, events, { fresh: new Set(events), first: () => false }, this.clock.now());
  }

  /**
   * For identity: begins events again that have failed. Their tasks go on from where they stopped; any other failure would
   * have failed the decision itself.
   */
  async resumeDecided(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    const { answers } = await this.matchKnown(db, await inbox.find(db, events.map(keyOf), true), events);
    return answers;
  }
}

/** The latest version that is decided of each person. */
function versionsOf(events: readonly UserEvent[]): Map<string, number> {
  return new Map(newestOf(events).map(({ data }) => [data.userId, data.lifecycleVersion]));
}

function profileReceipt({ type, data }: UserEvent): Receipt {
  const { accountId, userId, seq, lifecycleVersion } = data;
  return { accountId, userId, type, seq, lifecycleVersion, round: 0, status: 'completed', rules: [] };
}
