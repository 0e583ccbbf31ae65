import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { failpoint } from '#libs/broker';
import { isLifecycleType, type Receipt, type ReceiptLine, type UserEvent } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { convertingIn, InboxConversion, warn } from './conversion.js';
import { newestOf, unique } from './event-order.js';
import { retryDelay, type Verdict } from './failures.js';
import { forgetDeleted, Forgetting } from './forgetting.js';
import * as inbox from './inbox.js';
import { callOff, fence, learn, lockPeople } from './people.js';
import type { Db } from './rule.js';
import { forgetNotes, restore } from './restoration.js';
import { RuleSet, type Step } from './rule-set.js';
import { DEFAULT_BUDGET, runSteps, type Leaving, type Leftover, type RowBudget } from './runner.js';

/** Where a first chunk begins; it grows and shrinks with the time that a chunk takes. */
const FIRST_CHUNK = 2_000;

/**
 * Applies user events to the service's data: once each, newest decision wins, many people in one transaction. The
 * caller decides what a failure means for the rest of the batch.
 */
@Injectable()
export class EventProcessor {
  budget: RowBudget = DEFAULT_BUDGET;

  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly clock: Clock,
    @Optional() private readonly conversion?: InboxConversion,
    @Optional() private readonly forgetting?: Forgetting,
  ) {}

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
      const [row] = await inbox.find(db, [keyOf(event)], true);
      return row?.status === 'retry' ? this.decide(db, [event]) : [];
    });
  }

  /** Joins the caller's transaction. */
  async applyWithin(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    const lifecycle = events.filter((event) => isLifecycleType(event.type));
    const fresh = await inbox.note(db, lifecycle, this.clock.now());
    const seenBefore = lifecycle.filter(
      (event) => !fresh.has(inbox.inboxKey(event.data.userId, event.data.lifecycleVersion)),
    );
    await this.meet(db, events);
    const { resumed, answers } = await this.recognise(db, seenBefore);
    const known = new Set(seenBefore);
    const decided = await this.decide(db, [...unique(lifecycle.filter((event) => !known.has(event))), ...resumed]);
    return [...events.filter((event) => !isLifecycleType(event.type)).map(profileReceipt), ...answers, ...decided];
  }

  /** Notes an event that failed, so that it is tried again from here; the broker need not keep it. */
  async park(event: UserEvent, verdict: Verdict): Promise<Receipt[]> {
    return this.em.fork().transactional(async (em) => {
      const db: Db = em.getKysely();
      const now = this.clock.now();
      const fresh = await inbox.note(db, [event], now);
      await this.meet(db, [event]);
      const superseded = await inbox.supersede(db, [event.data], now);
      await fence(db, [event]);
      if (event.type === 'user.reactivated') await this.welcome(db, [event.data.userId], now);
      const [row] = await inbox.find(db, [keyOf(event)], true);
      // It is done, or being done in chunks, and only its repetition failed.
      if (fresh.size === 0 && row!.status !== 'retry' && row!.status !== 'failed')
        return [...superseded, row!].map(inbox.receiptOf);
      const delay = verdict.kind === 'retry' ? retryDelay(row!.attempts) : undefined;
      if (delay === undefined) {
        await inbox.putOff(db, event, row!.attempts, now, verdict.code);
        await inbox.giveUp(db, event, verdict.code, now);
      } else {
        await inbox.putOff(db, event, row!.attempts + 1, new Date(now.getTime() + delay), verdict.code);
      }
      const [parked] = await inbox.find(db, [keyOf(event)]);
      return [...superseded, parked!].map(inbox.receiptOf);
    });
  }

  /**
   * Locks everybody who may be about to leave and then writes what the events say about them. In this order: an update
   * alone would let writers, who hold the row in share, go on reading the old version.
   */
  private async meet(db: Db, events: readonly UserEvent[]): Promise<void> {
    const ids = events.filter((event) => isLifecycleType(event.type)).map((event) => event.data.userId);
    const locked = await lockPeople(db, ids);
    await forgetDeleted(db, events, this.forgetting);
    await learn(
      db,
      events.map(({ data }) => data),
    );
    const strangers = ids.filter((id) => !locked.has(id));
    if (strangers.length > 0) await lockPeople(db, strangers);
  }

  /** Events that were here before: answered again from what is noted, or begun again when somebody asked for it. */
  private async recognise(db: Db, events: readonly UserEvent[]): Promise<{ resumed: UserEvent[]; answers: Receipt[] }> {
    if (events.length === 0) return { resumed: [], answers: [] };
    const known = await inbox.find(db, events.map(keyOf), true);
    const byKey = new Map(
      events.map((event) => [inbox.inboxKey(event.data.userId, event.data.lifecycleVersion), event]),
    );
    const eventOf = (row: inbox.InboxRow) => byKey.get(inbox.inboxKey(row.user_id, row.lifecycle_version))!;
    const askedIn = (row: inbox.InboxRow) => eventOf(row).data.departure!.round;
    // Whoever is through is asked as well when others have failed; the answer has to name the round of the question.
    const behind = new Set(known.filter((row) => row.round < askedIn(row)).map((row) => row.departure_id));
    const rows = known.map((row) => ({ ...row, round: Math.max(row.round, askedIn(row)) }));
    await inbox.raiseRounds(db, rows);
    const again = rows.filter(
      (row) =>
        behind.has(row.departure_id) &&
        (row.status === 'failed' || row.status === 'retry' || this.knewNoRuleOfOurs(row, eventOf(row))),
    );
    const goingOn = await inbox.resume(db, again, this.clock.now());
    const resumed = again
      .map((row) => inbox.inboxKey(row.user_id, row.lifecycle_version))
      .filter((key) => !goingOn.has(key));
    return {
      resumed: resumed.map((key) => byKey.get(key)!),
      answers: rows.filter((row) => !again.includes(row)).map(inbox.receiptOf),
    };
  }

  /** The stream may still hold what was decided before this service came; now it comes with what our rules are to do. */
  private knewNoRuleOfOurs(row: inbox.InboxRow, { data }: UserEvent): boolean {
    const { steps, policy } = data.departure!;
    return row.status === 'completed' && row.lines.length === 0 && this.rules.plan(steps, policy.rules).length > 0;
  }

  /** Carries out what the events say, unless something newer has been decided about the person. */
  private async decide(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    if (events.length === 0) return [];
    const now = this.clock.now();
    const people = await lockPeople(
      db,
      events.map((event) => event.data.userId),
    );
    const newest = newestOf(events);
    const current = newest.filter(
      (event) => event.data.lifecycleVersion >= (people.get(event.data.userId)?.appliedVersion ?? 0),
    );
    const overtaken = events.filter((event) => !current.includes(event));
    await inbox.write(
      db,
      overtaken.map((event) => ({ ...keyOf(event), status: 'superseded' as const, lines: [] })),
      now,
    );
    const receipts = await this.settle(db, current, now);
    await fence(db, current);
    const rows = await inbox.find(db, overtaken.map(keyOf));
    return [...receipts, ...rows.map(inbox.receiptOf)];
  }

  /**
   * For identity, which decides: its users are the directory, locked and changed already in the same transaction.
   */
  async applyDecided(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    const now = this.clock.now();
    await inbox.note(db, events, now);
    return this.settle(db, events, now);
  }

  /**
   * For identity: begins events again that have failed in chunks. Their tasks go on from where they stopped; a failure
   * before that would have failed the decision itself.
   */
  async resumeDecided(db: Db, events: readonly UserEvent[]): Promise<Receipt[]> {
    const { answers } = await this.recognise(db, events);
    return answers;
  }

  /** Ends what was decided before about these people, and carries out what is decided now. */
  private async settle(db: Db, events: readonly UserEvent[], now: Date): Promise<Receipt[]> {
    const superseded = await inbox.supersede(db, events.map(keyOf), now);
    const { written, leftovers } = await this.carryOut(db, events, now);
    await this.createTasks(db, events, leftovers, now);
    await inbox.write(db, written, now);
    const rows = await inbox.find(db, events.map(keyOf));
    return [...superseded, ...rows].map(inbox.receiptOf);
  }

  private async carryOut(
    db: Db,
    events: readonly UserEvent[],
    now: Date,
  ): Promise<{ written: inbox.Written[]; leftovers: Leftover[] }> {
    const back = events.filter((event) => event.type === 'user.reactivated');
    if (back.length > 0)
      await this.welcome(
        db,
        back.map((event) => event.data.userId),
        now,
      );
    const leaving = await this.leaving(
      db,
      events.filter((event) => event.type !== 'user.reactivated'),
    );
    const converting = convertingIn(events);
    const warnings = converting.length > 0 ? await this.conversion?.convert(db, converting, now) : undefined;
    const ran = await runSteps(db, leaving, this.budget, now);
    warn(ran.lines, warnings ?? []);
    const restored = await restore(db, this.rules, back, this.budget, now);
    const lines = new Map([...ran.lines, ...restored.lines]);
    const leftovers = [...ran.leftovers, ...restored.leftovers];
    await forgetNotes(db, events, leftovers);
    const unfinished = new Set(leftovers.map((leftover) => leftover.userId));
    const written = events.map((event) => ({
      ...keyOf(event),
      lines: lines.get(event.data.userId) ?? ([] as ReceiptLine[]),
      status: unfinished.has(event.data.userId) ? ('running' as const) : ('completed' as const),
    }));
    return { written, leftovers };
  }

  /** Whoever comes back: nothing waits for its day any more, and nothing leaves them out. */
  private async welcome(db: Db, userIds: readonly string[], now: Date): Promise<void> {
    await callOff(db, userIds, now);
    await this.rules.takeBack(db, userIds);
  }

  /** The steps of each leaver: a deletion leaves out what an earlier deactivation has applied here. */
  private async leaving(db: Db, events: readonly UserEvent[]): Promise<Leaving[]> {
    const people = events.map(({ data }) => ({ userId: data.userId, activeSince: data.departure!.activeSince }));
    const applied = people.length > 0 ? await inbox.applied(db, people) : new Set<string>();
    return events.map(({ type, data, time }) => ({
      userId: data.userId,
      accountId: data.accountId,
      wasManager: data.departure!.wasManager,
      leftAt: new Date(time),
      lifecycleVersion: data.lifecycleVersion,
      notedAs: type === 'user.deactivated' ? data.lifecycleVersion : null,
      steps: stillToDo(this.rules.plan(data.departure!.steps, data.departure!.policy.rules), data.userId, applied),
    }));
  }

  private async createTasks(
    db: Db,
    events: readonly UserEvent[],
    leftovers: readonly Leftover[],
    now: Date,
  ): Promise<void> {
    if (leftovers.length === 0) return;
    const byUser = new Map(events.map((event) => [event.data.userId, event.data]));
    const rows = leftovers.map(({ userId, step, transition, position, cursor, affected }) => ({
      user_id: userId,
      lifecycle_version: byUser.get(userId)!.lifecycleVersion,
      position,
      account_id: byUser.get(userId)!.accountId,
      rule: step.part.rule.id,
      part: step.part.rows.part ?? '',
      transition,
      action: step.resolved,
      cursor,
      affected,
    }));
    await sql`
      insert into task (user_id, lifecycle_version, position, account_id, rule, part, transition, action, cursor, affected, chunk_rows, due_at)
      select n.*, ${FIRST_CHUNK}, ${now} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, lifecycle_version bigint,
        position int, account_id uuid, rule text, part text, transition text, action jsonb, cursor uuid, affected bigint)
      on conflict do nothing`.execute(db);
  }
}

export const keyOf = ({ data }: UserEvent) => ({ userId: data.userId, lifecycleVersion: data.lifecycleVersion });

export function stillToDo(steps: readonly Step[], userId: string, applied: ReadonlySet<string>): Step[] {
  return steps.filter(
    (step) =>
      step.transition !== 'deactivated' ||
      !applied.has(inbox.appliedKey(userId, step.part.rule.id, step.part.rows.part)),
  );
}

function profileReceipt({ type, data }: UserEvent): Receipt {
  const { accountId, userId, seq, lifecycleVersion } = data;
  return { accountId, userId, type, seq, lifecycleVersion, round: 0, status: 'completed', rules: [] };
}
