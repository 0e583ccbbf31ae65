import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Account, type AccountChange, type Principal } from '#libs/contracts';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { Actors } from '../user/actors.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { UserEvents } from '../user/user-events.js';
import { lockAccount } from '../common/account-lock.js';
import { seatsOf } from '../common/seats.js';
import { accountOf, accountRow } from './account-rows.js';

/** Reads and changes accounts. */
@Injectable()
export class AccountService {
  constructor(
    private readonly em: EntityManager,
    private readonly events: UserEvents,
    private readonly actors: Actors,
    private readonly audit: Audit,
  ) {}

  get(accountId: string): Promise<Account> {
    return accountOf(this.em, accountId);
  }

  /** @throws Problem `conflict` if the new number of seats is lower than the number of used seats */
  async update(principal: Principal, change: AccountChange): Promise<Account> {
    const { accountId, userId } = principal;
    await lockAccount(this.em, accountId);
    await this.actors.requireManager(principal);
    const { used } = await seatsOf(this.em, accountId);
    if (change.seats !== undefined && change.seats < used) {
      throw new Problem('conflict', { detail: `${used} seats are in use. Deactivate users first.` });
    }
    const before = await accountRow(this.em, accountId);
    const after = {
      name: change.name === undefined ? before.name : requireNonBlank('name', change.name),
      preset: change.preset ?? before.preset,
      seats: change.seats ?? before.seats,
      retention_days: change.retentionDays ?? before.retention_days,
      redaction_label: change.redactionLabel ?? before.redaction_label,
    };
    const changed = (Object.keys(after) as (keyof typeof after)[]).filter((field) => after[field] !== before[field]);
    if (changed.length === 0) return accountOf(this.em, accountId);
    await sql`
      update account set name = ${after.name}, preset = ${after.preset}, seats = ${after.seats},
        retention_days = ${after.retention_days}, redaction_label = ${after.redaction_label},
        policy_version = policy_version + ${changed.includes('preset') ? 1 : 0}
      where id = ${accountId}`.execute(this.em.getKysely());
    if (changed.includes('redaction_label')) await this.events.publishChanged(await this.deletedUsers(accountId));
    const detail = Object.fromEntries(changed.map((field) => [field, { from: before[field], to: after[field] }]));
    await this.audit.append([{ accountId, action: 'account.updated', actorId: userId, detail }]);
    return accountOf(this.em, accountId);
  }

  /** Deleted users are shown by the account's label, so a new label is published for each of them. */
  private async deletedUsers(accountId: string): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from users where account_id = ${accountId} and status = 'deleted'`.execute(this.em.getKysely());
    return rows.map((row) => row.id);
  }
}
