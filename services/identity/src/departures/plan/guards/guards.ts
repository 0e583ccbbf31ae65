import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type PreviewBlocker, type PreviewLine } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../../../common/moments.js';
import { lastOwners, SOLE_OWNER } from '../../../user/sole-owner.js';
import type { UserRow } from '../../../user/user-rows.js';
import type { ScheduledStep } from '../../store/scheduled/scheduled-steps.js';
import type { Plan, PlanRequest } from '../planner.js';
import { notDeactivatedBy, outOfSequence, retainedAt, type Later } from '../sequence.js';

const DAY = 86_400_000;

/** The conditions under which a departure is refused. */
@Injectable()
export class Guards {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Everything that stands in the way, in the order in which a refusal would name it.
   * @param blocked the lines with rows that stand in the way
   * @param leaving others who leave in the same transaction
   */
  async blockers(
    plan: Plan,
    blocked: readonly PreviewLine[],
    leaving: readonly string[] = [],
  ): Promise<PreviewBlocker[]> {
    const found = [
      wrongState(plan),
      await this.soleOwner(plan, leaving),
      notDeactivated(plan),
      numbersAssigned(blocked),
      this.retention(plan),
      legalHold(plan, blocked),
    ];
    return found.filter((blocker) => blocker !== undefined);
  }

  /** @throws Problem with the code of the first blocker */
  async assertAllowed(plan: Plan, blocked: readonly PreviewLine[], leaving: readonly string[] = []): Promise<void> {
    refuse(await this.blockers(plan, blocked, leaving));
  }

  /**
   * Checks a scheduled departure. Only some guards apply: until the day, numbers can be reassigned and holds lifted.
   * @throws Problem like `assertAllowed`
   */
  async assertAllowedLater(plan: Plan, later: Later, leaving: readonly string[] = []): Promise<void> {
    refuse(await this.blockersLater(plan, later, leaving));
  }

  /** Like `blockers`, for a scheduled departure. */
  async blockersLater(plan: Plan, later: Later, leaving: readonly string[] = []): Promise<PreviewBlocker[]> {
    const found = [
      wrongState(plan),
      await this.soleOwner(plan, leaving),
      outOfSequence(plan, later),
      notDeactivatedBy(plan, later),
      retainedAt(plan, later),
    ];
    return found.filter((blocker) => blocker !== undefined);
  }

  /** The active ones of these users, locked so that they cannot leave before the transaction ends. */
  async lockActive(accountId: string, userIds: readonly string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const { rows } = await sql<{ id: string }>`
      select id from users
      where account_id = ${accountId} and id = any(${[...new Set(userIds)]}::uuid[]) and status = 'active'
      order by id for key share`.execute(this.em.getKysely());
    return new Set(rows.map((row) => row.id));
  }

  private async soleOwner({ user }: Plan, leaving: readonly string[]): Promise<PreviewBlocker | undefined> {
    if (!user.roles.includes('owner')) return undefined;
    const items = await lastOwners(this.em, user.account_id, [user.id, ...leaving]);
    return items.length > 0 ? { code: 'sole-owner', detail: SOLE_OWNER, items } : undefined;
  }

  private retention({ transition, user, retentionDays }: Plan): PreviewBlocker | undefined {
    if (transition !== 'deleted' || retentionDays === 0 || user.status === 'invited') return undefined;
    const detail = `The account keeps deactivated users for ${retentionDays} days.`;
    if (user.deactivated_at === null)
      return { code: 'retention', detail: `${detail} Deactivate the user first.`, items: [] };
    const until = Date.parse(isoOf(user.deactivated_at)) + retentionDays * DAY;
    if (this.clock.millis() >= until) return undefined;
    return {
      code: 'retention',
      detail: `${detail} The user can be deleted from ${new Date(until).toISOString()}.`,
      items: [],
    };
  }
}

/**
 * The return that a deactivation calls off; undefined for a user who is not away for a time.
 * @throws Problem `conflict` for a request that asks for more than to stay away
 */
export function returnToCallOff(
  user: UserRow,
  wishes: PlanRequest & { returnAt?: string },
  back: ScheduledStep | undefined,
): ScheduledStep | undefined {
  if (user.status !== 'deactivated' || !back) return undefined;
  const { returnAt, successors = {}, overrides = {}, tellContacts } = wishes;
  const more = returnAt !== undefined || tellContacts !== undefined;
  if (!more && Object.keys(successors).length + Object.keys(overrides).length === 0) return back;
  const detail =
    `The user is deactivated already and returns on ${back.effectiveAt}. To call that return off, deactivate ` +
    'without `returnAt`, `successors`, `overrides` and `tellContacts`, or cancel it.';
  throw new Problem('conflict', { detail, items: [back.id] });
}

function refuse([first]: readonly PreviewBlocker[]): void {
  if (first) throw new Problem(first.code, { detail: first.detail, items: first.items });
}

function wrongState({ transition, user }: Plan): PreviewBlocker | undefined {
  const done = user.status === 'deleted' || (transition === 'deactivated' && user.status === 'deactivated');
  return done ? { code: 'conflict', detail: `The user is ${user.status} already.`, items: [] } : undefined;
}

function notDeactivated({ transition, user, policy }: Plan): PreviewBlocker | undefined {
  if (transition !== 'deleted' || policy.preset !== 'crm' || user.status !== 'active') return undefined;
  return { code: 'not-deactivated', detail: 'Deactivate the user first, then delete.', items: [] };
}

function numbersAssigned(blocked: readonly PreviewLine[]): PreviewBlocker | undefined {
  const numbers = blocked.filter((line) => line.action === 'block');
  if (numbers.length === 0) return undefined;
  const items = [...new Set(numbers.flatMap((line) => line.items ?? []))];
  return { code: 'numbers-assigned', detail: 'Reassign or release these numbers first, or name a successor.', items };
}

/** A deletion always destroys something; a deactivation if one of these lines does. */
function legalHold({ transition, user }: Plan, blocked: readonly PreviewLine[]): PreviewBlocker | undefined {
  if (!user.legal_hold) return undefined;
  if (transition === 'deleted') return { code: 'legal-hold', detail: 'Lift the legal hold first.', items: [] };
  const items = [...new Set(blocked.filter((line) => line.action !== 'block').map((line) => line.rule))];
  const detail =
    'The user is under legal hold, and these rules would destroy something. ' +
    'Choose other actions for them with `overrides`, or lift the hold first.';
  return items.length > 0 ? { code: 'legal-hold', detail, items } : undefined;
}
