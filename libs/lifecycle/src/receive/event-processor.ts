import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { failpoint, isTransient, retryDelay, WorkerContext, type ErrorClass } from '#libs/jobs';
import { isLifecycleType, type Receipt, type UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import { ContactNotices } from './contact-notices.js';
import { InboxConversion } from '../run/conversion.js';
import { newestOf, unique } from '../inbox/event-order.js';
import { IdentifierLookup, type DigestsByUser } from './identifier-lookup.js';
import { forgetDeleted, Forgetting } from './forgetting.js';
import * as inbox from '../inbox/inbox.js';
import { raiseFence, upsertDirectory, lockPeople } from '../inbox/directory-rows.js';
import type { Db } from '../declare/where.js';
import type { RunOptions } from '../run/batch.js';
import { RuleSet } from '../run/rule-set.js';
import { dropUndoRecords } from '../run/undo-records.js';
import type { FailureCause } from '../declare/failure.js';
import type { RowBudget } from '../run/row-budget.js';
import { keyOf, DecisionApplication } from './decision-application.js';

/**
 * Applies user events to the service's data: each once, many users in one transaction; the newest decision about a user
 * wins. The caller decides what a failure means for the rest of the batch.
 */
@Injectable()
export class EventProcessor {
  private readonly application: DecisionApplication;

  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly context: WorkerContext,
    @Optional() conversion?: InboxConversion,
    @Optional() private readonly forgetting?: Forgetting,
    @Optional() private readonly lookup?: IdentifierLookup,
    @Optional() notices?: ContactNotices,
  ) {
    this.application = new DecisionApplication(rules, conversion, notices);
  }

  get budget(): RowBudget {
    return this.application.budget;
  }

  set budget(budget: RowBudget) {
    this.application.budget = budget;
  }

  /**
   * Applies all events in one transaction.
   * @param options with `isolated`, a step that fails for a single leaver does not hold up the leaver's other steps
   * @returns receipts, to be sent after the commit
   */
  async apply(events: readonly UserEvent[], options: Pick<RunOptions, 'isolated'> = {}): Promise<Receipt[]> {
    const digests = await this.digestsOf(events);
    return failpoint('receive.commit', () =>
      this.em.fork().transactional((em) => this.applyWithin(em.getKysely(), events, { ...options, digests })),
    );
  }

  private async digestsOf(events: readonly UserEvent[]): Promise<DigestsByUser> {
    return this.forgetting?.needsAddresses && this.lookup ? this.lookup.of(events) : new Map();
  }

  /** Applies an event that waits for its retry. Does nothing if it was superseded or another replica has retried it. */
  async retry(event: UserEvent): Promise<Receipt[]> {
    const digests = await this.digestsOf([event]);
    return this.em.fork().transactional(async (em) => {
      const db: Db = em.getKysely();
      const people = await this.lockAndUpdateDirectory(db, [event], digests);
      const [row] = await inbox.find(db, [keyOf(event)], true);
      if (row?.status !== 'retry') return [];
      return this.decide(db, [event], { people, fresh: new Set(), isolated: true });
    });
  }

  /** Like `apply`, in the caller's transaction. */
  async applyWithin(
    db: Db,
    events: readonly UserEvent[],
    { isolated, digests = new Map() }: Pick<RunOptions, 'isolated'> & { digests?: DigestsByUser } = {},
  ): Promise<Receipt[]> {
    const lifecycle = unique(events.filter((event) => isLifecycleType(event.type)));
    const people = await this.lockAndUpdateDirectory(db, events, digests);
    // Events in the inbox are never newer than the fence. The locks keep other transactions from adding events of these users.
    const behind = lifecycle.filter(({ data }) => (people.get(data.userId)?.fence ?? 0) >= data.lifecycleVersion);
    const known = await inbox.find(db, behind.map(keyOf), true);
    const keys = new Set(known.map(inbox.rowKey));
    const isKnown = (event: UserEvent) => keys.has(inbox.eventKey(event));
    const { resumed, answers } = await this.matchKnown(db, known, lifecycle.filter(isKnown));
    const fresh = lifecycle.filter((event) => !isKnown(event));
    const decided = await this.decide(db, [...fresh, ...resumed], { people, fresh: new Set(fresh), isolated });
    return [...events.filter((event) => !isLifecycleType(event.type)).map(profileReceipt), ...answers, ...decided];
  }

  /** Stores a failed event in the inbox for a retry, so that the broker need not keep it. */
  async scheduleRetry(
    event: UserEvent,
    verdict: ErrorClass,
    cause: FailureCause = { error: verdict.code },
  ): Promise<Receipt[]> {
    // Without an answer the directory keeps the profile until the retry.
    const digests = await this.digestsOf([event]).catch(() => undefined);
    let dueAt: Date | undefined;
    const receipts = await this.em.fork().transactional(async (em) => {
      const db: Db = em.getKysely();
      const now = this.context.clock.now();
      await this.updateDirectoryForRetry(db, event, digests);
      const superseded = await inbox.supersede(db, [event.data], now);
      if (event.type === 'user.reactivated') {
        await this.application.cancelPending(db, [event.data.userId], now);
        await dropUndoRecords(db, [event], wantedRules);
      }
      const [known] = await inbox.find(db, [keyOf(event)], true);
      // The event is completed, running or superseded; only its redelivery failed.
      if (known && known.status !== 'retry' && known.status !== 'failed')
        return [...superseded, known].map(inbox.receiptOf);
      if (!known) await inbox.insert(db, [{ event, status: 'running', lines: [] }], now);
      // A new round starts the attempts again.
      const attempts = known && known.round >= event.data.departure!.round ? known.attempts : 0;
      const delay = verdict.kind === 'retry' ? retryDelay(attempts) : undefined;
      if (delay === undefined) {
        await inbox.reschedule(db, event, attempts, now, cause);
        await inbox.markFailed(db, event, cause, now);
      } else {
        dueAt = new Date(now.getTime() + delay);
        await inbox.reschedule(db, event, attempts + 1, dueAt, cause);
      }
      const [parked] = await inbox.find(db, [keyOf(event)]);
      return [...superseded, parked!].map(inbox.receiptOf);
    });
    if (dueAt) this.context.wakeAt(dueAt, 'event-retries');
    return receipts;
  }

  /**
   * Locks the users of all lifecycle events, then writes their profiles. The lock comes first: an update alone would not
   * wait for writers that hold the row in key-share mode, and they would go on reading the old version.
   * @returns each user's fence before this call, and whether the user is under legal hold now
   */
  private async lockAndUpdateDirectory(db: Db, events: readonly UserEvent[], digests: DigestsByUser): Promise<People> {
    const lifecycle = events.filter((event) => isLifecycleType(event.type));
    const ids = lifecycle.map((event) => event.data.userId);
    const locked = await lockPeople(db, ids);
    await forgetDeleted(db, events, locked, this.forgetting, digests);
    const people = events.map(({ data }) => data);
    const learned = await upsertDirectory(db, people, versionsOf(lifecycle));
    // The directory has a newer profile of these users.
    const others = lifecycle.filter((event) => !learned.has(event.data.userId));
    const found = await lockPeople(
      db,
      others.map((event) => event.data.userId),
    );
    if (others.length > 0) await raiseFence(db, newestOf(others));
    const known = [...learned, ...found];
    return new Map(
      known.map(([userId, { fence, underHold }]) => [userId, { fence: locked.get(userId)?.fence ?? fence, underHold }]),
    );
  }

  /**
   * Updates the directory for an event that will be retried. If this update is what fails, for example because a service
   * cannot forget a deleted user, the directory keeps the profile until the retry succeeds, and only fence and status change.
   */
  private async updateDirectoryForRetry(db: Db, event: UserEvent, digests?: DigestsByUser): Promise<void> {
    if (!digests) return this.raiseFenceOnly(db, event);
    await sql`savepoint meeting`.execute(db);
    try {
      await this.lockAndUpdateDirectory(db, [event], digests);
    } catch (error) {
      if (isTransient(error)) throw error;
      await sql`rollback to savepoint meeting`.execute(db);
      await this.raiseFenceOnly(db, event);
    }
  }

  private async raiseFenceOnly(db: Db, event: UserEvent): Promise<void> {
    await lockPeople(db, [event.data.userId]);
    await raiseFence(db, [event], { andStatus: true });
  }

  /** Handles events that are already in the inbox: resumes them if a new round asks for it, else answers from the inbox. */
  private async matchKnown(
    db: Db,
    known: readonly inbox.InboxRow[],
    events: readonly UserEvent[],
  ): Promise<{ resumed: UserEvent[]; answers: Receipt[] }> {
    if (events.length === 0) return { resumed: [], answers: [] };
    const byKey = new Map(events.map((event) => [inbox.eventKey(event), event]));
    const eventOf = (row: inbox.InboxRow) => byKey.get(inbox.rowKey(row))!;
    const roundOf = (row: inbox.InboxRow) => eventOf(row).data.departure!.round;
    // A retry of the departure also reaches services that have completed it; their receipts have to name the new round.
    const reopened = new Set(known.filter((row) => row.round < roundOf(row)).map((row) => row.departure_id));
    const rows = known.map((row) => ({ ...row, round: Math.max(row.round, roundOf(row)) }));
    await inbox.raiseRounds(db, rows);
    const again = rows.filter(
      (row) =>
        reopened.has(row.departure_id) &&
        (row.status === 'failed' ||
          row.status === 'retry' ||
          row.status === 'running' ||
          this.predatesOurRules(row, eventOf(row))),
    );
    const withTasks = await inbox.resume(db, again, this.context.clock.now());
    // A running event consists of tasks and remote effects, which continue now.
    const restarted = again
      .filter((row) => row.status !== 'running')
      .map(inbox.rowKey)
      .filter((key) => !withTasks.has(key));
    return {
      resumed: restarted.map((key) => byKey.get(key)!),
      answers: rows.filter((row) => !again.includes(row)).map(inbox.receiptOf),
    };
  }

  /**
   * Whether the event was applied without any of our rules, which its new round names. The stream may hold decisions from
   * before the onboarding of this service.
   */
  private predatesOurRules(row: inbox.InboxRow, { data }: UserEvent): boolean {
    const { steps, policy } = data.departure!;
    return row.status === 'completed' && row.lines.length === 0 && this.rules.plan(steps, policy.rules).length > 0;
  }

  /**
   * Applies the events, except those that a newer decision about the same user supersedes.
   * @param fresh the events that are not in the inbox
   */
  private async decide(
    db: Db,
    events: readonly UserEvent[],
    { people, fresh, isolated }: { people: People; fresh: ReadonlySet<UserEvent>; isolated?: boolean },
  ): Promise<Receipt[]> {
    if (events.length === 0) return [];
    const now = this.context.clock.now();
    const fenceOf = ({ data }: UserEvent) => people.get(data.userId)?.fence ?? 0;
    const current = newestOf(events).filter((event) => event.data.lifecycleVersion >= fenceOf(event));
    const applied = new Set(current);
    const superseded = events
      .filter((event) => !applied.has(event))
      .map((event) => ({ event, status: 'superseded' as const, lines: [] }));
    const first = (event: UserEvent) => fenceOf(event) === 0;
    const underHold = ({ data }: UserEvent) => people.get(data.userId)?.underHold ?? false;
    // What a reactivation did not ask for is not restored later, even if the reactivation is superseded.
    await dropUndoRecords(
      db,
      superseded.map(({ event }) => event),
      wantedRules,
    );
    return [
      ...(await this.application.record(db, superseded, fresh, now)),
      ...(await this.application.apply(db, current, { fresh, first, underHold, isolated }, now)),
    ];
  }

  /**
   * For identity: its users are the directory, and the same transaction has already locked and changed them. Its guards
   * have checked for legal holds in that transaction, too.
   */
  async applyDecided(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    return this.application.apply(
      db,
      events,
      { fresh: new Set(events), first: () => false, underHold: () => false },
      this.context.clock.now(),
    );
  }

  /**
   * For identity: resumes failed events. Only their tasks can have failed, because any other failure would have rolled back
   * the decision itself.
   */
  async resumeDecided(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    const { answers } = await this.matchKnown(db, await inbox.find(db, events.map(keyOf), true), events);
    return answers;
  }
}

/** By user id: the fence before the batch, and whether the user is under legal hold now. */
type People = ReadonlyMap<string, { fence: number; underHold: boolean }>;

/** The rules that a reactivation is to restore. */
const wantedRules = ({ data }: UserEvent): readonly string[] | 'all' => data.departure!.restore ?? [];

/** The highest lifecycle version of each user. */
function versionsOf(events: readonly UserEvent[]): Map<string, number> {
  return new Map(newestOf(events).map(({ data }) => [data.userId, data.lifecycleVersion]));
}

function profileReceipt({ type, data }: UserEvent): Receipt {
  const { accountId, userId, seq, lifecycleVersion } = data;
  return { accountId, userId, type, seq, lifecycleVersion, round: 0, status: 'completed', rules: [] };
}
