import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Caretaker, type Principal, type User } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { ManagedUsers } from './managed-users.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows } from '../user/user-rows.js';
import { toUser } from '../user/user-view.js';

/** Legal holds and caretakers, which managers set for a user. */
@Injectable()
export class CareService {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly managed: ManagedUsers,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * While it is set, the user cannot be deleted or transferred, and delayed effects wait, also those of a deleted user.
   */
  async setLegalHold(principal: Principal, userId: string, reason: string): Promise<User> {
    const user = await this.managed.lock(principal, userId, 'change');
    await sql`
      update users set legal_hold_reason = ${reason}, legal_hold_at = coalesce(legal_hold_at, ${this.clock.now()})
      where id = ${userId}`.execute(this.em.getKysely());
    if (!user.legal_hold) await this.events.publishChanged([userId]);
    await this.record(principal, userId, 'legal-hold.set', { reason });
    return this.view(principal, userId);
  }

  async liftLegalHold(principal: Principal, userId: string): Promise<void> {
    const user = await this.managed.lock(principal, userId, 'change');
    if (!user.legal_hold) return;
    await sql`update users set legal_hold_reason = null, legal_hold_at = null where id = ${userId}`.execute(
      this.em.getKysely(),
    );
    await this.events.publishChanged([userId]);
    await this.record(principal, userId, 'legal-hold.lifted');
  }

  /**
   * Lets another user manage this user's inbox, until the given time or until `endCare`.
   * @throws Problem `conflict` for a deleted user; `validation`, `unknown-user` or `inactive-user` for an invalid
   *   caretaker
   */
  async assignCaretaker(principal: Principal, userId: string, { caretakerId, until }: Caretaker): Promise<User> {
    const ends = until === undefined ? null : new Date(until);
    if (ends && ends <= this.clock.now()) throw invalid('until', 'until must be in the future');
    if (caretakerId === userId) throw invalid('caretakerId', 'caretakerId must be another user');
    await this.requireActive(principal.accountId, caretakerId);
    const user = await this.managed.lock(principal, userId, 'change');
    if (user.status === 'deleted')
      throw new Problem('conflict', { detail: 'A deleted user has no inbox to take care of.' });
    await sql`
      update users set caretaker_id = ${caretakerId}, caretaker_until = ${ends} where id = ${userId}`.execute(
      this.em.getKysely(),
    );
    await this.events.publishChanged([userId]);
    await this.record(principal, userId, 'caretaker.set', { caretakerId, until: ends?.toISOString() ?? null });
    return this.view(principal, userId);
  }

  async endCare(principal: Principal, userId: string): Promise<void> {
    const user = await this.managed.lock(principal, userId, 'change');
    if (user.caretaker_id === null) return;
    await sql`
      update users set caretaker_id = null, caretaker_until = null where id = ${userId}`.execute(this.em.getKysely());
    await this.events.publishChanged([userId]);
    await this.record(principal, userId, 'caretaker.ended', { caretakerId: user.caretaker_id });
  }

  private async requireActive(accountId: string, userId: string): Promise<void> {
    const { rows } = await sql<{ status: string }>`
      select status from users where account_id = ${accountId} and id = ${userId} for key share`.execute(
      this.em.getKysely(),
    );
    if (!rows[0]) throw new Problem('unknown-user', { detail: 'Name a user of this account.', items: [userId] });
    if (rows[0].status !== 'active')
      throw new Problem('inactive-user', { detail: 'Name an active user.', items: [userId] });
  }

  private record(
    principal: Principal,
    subjectId: string,
    action: string,
    detail?: Record<string, unknown>,
  ): Promise<void> {
    return this.audit.append([
      { accountId: principal.accountId, action, actorId: principal.userId, subjectId, detail },
    ]);
  }

  private async view(principal: Principal, userId: string): Promise<User> {
    return toUser(await this.users.get(principal.accountId, userId), principal, this.clock.now());
  }
}

const invalid = (field: string, message: string) => new Problem('validation', { errors: [{ field, message }] });
