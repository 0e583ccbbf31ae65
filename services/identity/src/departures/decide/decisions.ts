import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  isManager,
  type Conversion,
  type DepartureFacts,
  type DepartureTransition,
  type ResolvedPolicy,
  type Restore,
  type Transition,
  type UserEvent,
} from '#libs/contracts';
import { Outbox } from '#libs/outbox';
import { Clock, Ids } from '#libs/database';
import { EventProcessor } from '#libs/lifecycle';
import { sql } from 'kysely';
import { ApiTokens } from '../../api-token/api-tokens.js';
import { Audit, type NewEntry } from '../../audit/audit.js';
import { sha256 } from '../../sign-in/secrets.js';
import { Catalogue } from '../../policy/catalogue.js';
import { Schedule } from './schedule/schedule.js';
import { Sessions } from '../../session/sessions.js';
import { CareEvents } from '../../user/care-events.js';
import { UserEvents } from '../../user/user-events.js';
import { UserRows, type UserRow } from '../../user/user-rows.js';
import { DepartureRows } from '../store/departure-rows.js';
import { Erasure } from './erasure.js';
import { ReceiptFolding } from '../track/receipt-folding.js';

/** One person about whom something has been decided. */
export interface Decision {
  /** As read under the lock. */
  user: UserRow;
  policy: ResolvedPolicy;
  reason?: string;
  /** When they are to come back. */
  returnAt?: string;
  /** Of a reactivation: what is to be brought back. */
  restore?: Restore;
  /** The scheduled departure that is carried out now. */
  departureId?: string;
  /** What the leaver's number and threads become. */
  conversion?: Conversion;
}

const STEPS: Record<DepartureTransition, Transition[]> = {
  deactivated: ['deactivated'],
  deleted: ['deactivated', 'deleted'],
  reactivated: [],
};

/**
 * Makes decisions about people of one account come true, in the caller's transaction: status, sessions, identity's own
 * rules, the departures, the trail, and the events by which the other services learn of it. Set-based.
 */
@Injectable()
export class Decisions {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly sessions: Sessions,
    private readonly apiTokens: ApiTokens,
    private readonly processor: EventProcessor,
    private readonly folding: ReceiptFolding,
    private readonly departures: DepartureRows,
    private readonly schedule: Schedule,
    private readonly erasure: Erasure,
    private readonly catalogue: Catalogue,
    private readonly events: UserEvents,
    private readonly care: CareEvents,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Whoever calls it has locked the account and then the users, and has passed the guards.
   * @param requestedBy who has decided it; null for a program of the account, which is named by `system`
   * @param onBehalf the account's decision stands although whoever has made it could not make it any more
   * @returns the ids of the departures, in the order of the people
   */
  async apply(
    transition: DepartureTransition,
    decided: readonly Decision[],
    requestedBy: string | null,
    { onBehalf = false, system = 'departure' } = {},
  ): Promise<string[]> {
    const services = await this.catalogue.otherServices();
    const ids = decided.map(({ user }) => user.id);
    const facts = new Map(decided.map((one) => [one.user.id, this.factsOf(transition, one)]));
    await this.changeStatus(transition, ids);
    const rows = await this.users.byIds(ids);
    const events = rows.map((row) => this.events.userEvent(row, `user.${transition}`, facts.get(row.id)!));
    await this.departures.supersede(ids);
    await this.schedule.cancelOvertaken(transition, decided);
    await this.departures.insert(transition, events, ['identity', ...services], {
      requestedBy,
      reasons: new Map(decided.map((one) => [one.user.id, one.reason ?? null])),
    });
    const caredFor = await this.care.caredForBy(ids);
    const receipts = await this.processor.applyDecided(this.em.getKysely(), events);
    if (transition === 'reactivated') await this.revokeTheRest(ids);
    else await this.sessions.renewClaims(ids);
    if (transition === 'deleted') await this.erasure.erase(events);
    await this.care.publishChanged(ids, caredFor);
    await this.folding.fold('identity', receipts);
    await this.outbox.append(events.map((event) => ({ event, targets: services })));
    await this.schedule.scheduleReturns(decided.map((one) => ({ ...one, departureId: facts.get(one.user.id)!.id })));
    await this.record(transition, events, onBehalf || requestedBy === null ? { system } : { actorId: requestedBy });
    return ids.map((id) => facts.get(id)!.id);
  }

  /** A reactivation stops the rules where they are; what they had still to revoke must not come back to life. */
  private async revokeTheRest(ids: readonly string[]): Promise<void> {
    await this.sessions.endAll(ids);
    await this.apiTokens.revokeAll(ids);
  }

  private factsOf(
    transition: DepartureTransition,
    { user, policy, departureId, conversion, restore }: Decision,
  ): DepartureFacts {
    const id = departureId ?? this.ids.next();
    const address = transition === 'deleted' ? user.email?.toLowerCase() : undefined;
    return {
      id,
      steps: STEPS[transition],
      activeSince: transition === 'reactivated' ? user.lifecycle_version + 1 : user.active_since,
      wasManager: isManager(user),
      policy,
      ...(address && { addressDigest: sha256(`${id}:${address}`).toString('hex') }),
      ...(conversion && { conversion }),
      ...(restore && { restore }),
      round: 0,
    };
  }

  private async changeStatus(transition: DepartureTransition, ids: readonly string[]): Promise<void> {
    const now = this.clock.now();
    const changes = {
      deactivated: sql`status = 'deactivated', deactivated_at = ${now}`,
      deleted: sql`status = 'deleted', deactivated_at = coalesce(deactivated_at, ${now}), deleted_at = ${now}`,
      reactivated: sql`status = 'active', deactivated_at = null, seat_taken = true, active_since = lifecycle_version + 1`,
    }[transition];
    await sql`
      update users set ${changes}, lifecycle_version = lifecycle_version + 1, seq = seq + 1, updated_at = ${now}
      where id = any(${[...ids]}::uuid[])`.execute(this.em.getKysely());
  }

  private async record(
    transition: DepartureTransition,
    events: readonly UserEvent[],
    by: Pick<NewEntry, 'actorId' | 'system'>,
  ): Promise<void> {
    await this.audit.append(
      events.map(({ data }) => ({
        accountId: data.accountId,
        action: `user.${transition}`,
        ...by,
        subjectId: data.userId,
        detail: detailOf(data.departure!),
      })),
    );
  }
}

const detailOf = ({ id: departureId, restore }: DepartureFacts) => ({ departureId, ...(restore && { restore }) });
