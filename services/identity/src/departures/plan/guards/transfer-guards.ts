import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type PreviewBlocker, type Principal } from '#libs/contracts';
import { sql } from 'kysely';
import { lastOwners, SOLE_OWNER } from '../../../user/sole-owner.js';
import type { UserRow } from '../../../user/user-rows.js';
import { ScheduledSteps } from '../../store/scheduled/scheduled-steps.js';

/** The conditions under which another person cannot take a user over. */
@Injectable()
export class TransferGuards {
  constructor(
    private readonly em: EntityManager,
    private readonly scheduled: ScheduledSteps,
  ) {}

  /** Everything that stands in the way, in the order in which a refusal would name it. */
  async blockers({ userId, system }: Principal, user: UserRow): Promise<PreviewBlocker[]> {
    const found = [
      system === undefined && userId === user.id ? OWN_USER : undefined,
      wrongState(user),
      user.legal_hold ? blocker('legal-hold', 'Lift the legal hold first.') : undefined,
      await this.soleOwner(user),
      await this.openReactivation(user),
      await this.scheduledDepartures(user),
    ];
    return found.filter((one) => one !== undefined);
  }

  /** @throws Problem with the code of the first blocker */
  async assertAllowed(principal: Principal, user: UserRow): Promise<void> {
    const [first] = await this.blockers(principal, user);
    if (first)
      throw new Problem(first.code, { detail: first.detail, ...(first.items.length > 0 && { items: first.items }) });
  }

  private async soleOwner({ id, account_id: accountId, status, roles }: UserRow): Promise<PreviewBlocker | undefined> {
    if (status !== 'active' || !roles.includes('owner')) return undefined;
    const items = await lastOwners(this.em, accountId, [id]);
    return items.length > 0 ? blocker('sole-owner', SOLE_OWNER, items) : undefined;
  }

  /** The take-over would supersede the reactivation, and what it has not restored yet would be lost. */
  private async openReactivation({ id }: UserRow): Promise<PreviewBlocker | undefined> {
    const { rows } = await sql<{ id: string }>`
      select id from departure
      where user_id = ${id} and transition = 'reactivated' and status in ('running', 'failed')
        and lifecycle_version is not null`.execute(this.em.getKysely());
    if (rows.length === 0) return undefined;
    return blocker(
      'conflict',
      'The reactivation of this user is not complete. Wait until it is, or retry it.',
      rows.map((row) => row.id),
    );
  }

  private async scheduledDepartures({ id }: UserRow): Promise<PreviewBlocker | undefined> {
    const items = Object.values(await this.scheduled.ofUser(id)).map((one) => one.id);
    if (items.length === 0) return undefined;
    return blocker(
      'conflict',
      'What is scheduled for this user was decided about another person. Cancel it first.',
      items,
    );
  }
}

const blocker = (code: PreviewBlocker['code'], detail: string, items: string[] = []): PreviewBlocker => ({
  code,
  detail,
  items,
});

const OWN_USER = blocker('forbidden', 'Another owner or admin has to give your own user to another person.');

const wrongState = ({ status }: UserRow): PreviewBlocker | undefined =>
  status === 'active' || status === 'invited'
    ? undefined
    : blocker('conflict', `The user is ${status} and cannot be transferred.`);
