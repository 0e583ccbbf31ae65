import { Injectable } from '@nestjs/common';
import type { DepartureFacts, DepartureTransition, UserEvent } from '#libs/contracts';
import { Clock } from '#libs/database';
import { Audit, SCRUBBED, type NewEntry } from '../../audit/audit.js';
import { UserRows } from '../../user/user-rows.js';
import { DepartureStore } from '../store/departure-store.js';
import { DecisionEvents, type Decision } from './decision-events.js';
import { LocalRules } from './local-rules.js';
import { Schedule } from './schedule/schedule.js';

/** What the audit trail gets to know besides the events. */
interface Recorded {
  by: Pick<NewEntry, 'actorId' | 'system'>;
  details: ReadonlyMap<string, object | undefined>;
  /** The number of entries whose details the decision erases, by user. */
  scrubbable: ReadonlyMap<string, number>;
}

interface Options {
  onBehalf?: boolean;
  system?: string;
  services?: readonly string[];
}

/**
 * Applies decisions about users of one account, in the caller's transaction: changes their status, runs identity's rules,
 * starts the departures, and writes audit entries and events. The number of statements does not depend on the number of users.
 */
@Injectable()
export class Decisions {
  constructor(
    private readonly users: UserRows,
    private readonly events: DecisionEvents,
    private readonly store: DepartureStore,
    private readonly schedule: Schedule,
    private readonly rules: LocalRules,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * The caller has locked the account and then the users, and has checked the guards.
   * @param requestedBy the user who made the request; null for a program of the account, which `system` names
   * @param services those that have to answer, without identity. Default: all that have rules
   * @param onBehalf the requester no longer has the permission, so the audit trail names the system
   * @returns the ids of the departures, in the order of the decisions
   */
  async apply(
    transition: DepartureTransition,
    decisions: readonly Decision[],
    requestedBy: string | null,
    { onBehalf = false, system = 'departure', services }: Options = {},
  ): Promise<string[]> {
    const participants = services ?? (await this.events.participants());
    const ids = decisions.map(({ user }) => user.id);
    const takenOverAt = await this.store.supersede(ids);
    const facts = await this.events.factsOf(transition, decisions, takenOverAt);
    const digests = await this.events.digestsOf(transition, decisions, facts);
    await this.users.changeStatus(transition, ids, this.clock.now());
    const events = this.events.of(transition, await this.users.byIds(ids), facts);
    await this.store.begin(transition, events, ['identity', ...participants], {
      requestedBy,
      reasons: new Map(decisions.map((one) => [one.user.id, one.reason ?? null])),
      digests,
    });
    const scrubbable = await this.audit.countScrubbable(transition === 'deleted' ? ids : []);
    await this.rules.apply(transition, events);
    await this.events.publish(events, services);
    const begun = decisions.map((one) => ({ ...one, departureId: facts.get(one.user.id)!.id }));
    const by = onBehalf || requestedBy === null ? { system } : { actorId: requestedBy };
    await this.schedule.callOffOvertaken(transition, begun, by);
    await this.schedule.scheduleWhatFollows(transition, begun);
    await this.record(transition, events, {
      by,
      details: new Map(decisions.map(({ user, detail }) => [user.id, detail])),
      scrubbable,
    });
    return begun.map((one) => one.departureId);
  }

  private async record(
    transition: DepartureTransition,
    events: readonly UserEvent[],
    { by, details, scrubbable }: Recorded,
  ): Promise<void> {
    await this.audit.append(
      events.flatMap(({ data }): NewEntry[] => {
        const about = { accountId: data.accountId, ...by, subjectId: data.userId };
        const detail = { ...details.get(data.userId), ...detailOf(data.departure!) };
        const decided = { ...about, action: `user.${transition}`, detail };
        const entries = scrubbable.get(data.userId);
        return entries ? [decided, { ...about, action: SCRUBBED, detail: { entries } }] : [decided];
      }),
    );
  }
}

const detailOf = ({ id: departureId, restore }: DepartureFacts) => ({ departureId, ...(restore && { restore }) });
