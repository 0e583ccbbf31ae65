import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  Problem,
  type Account,
  type AccountChange,
  type Call,
  type NewAccount,
  type OpenedAccount,
  type Preset,
  type Principal,
} from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { Passwords } from '../password/passwords.js';
import { isoOf } from '../common/moments.js';
import { Sessions } from '../session/sessions.js';
import { Actors } from '../user/actors.js';
import { NewUsers } from '../user/new-users.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { UserEvents } from '../user/user-events.js';
import { lockAccount } from '../common/account-lock.js';
import { seatsOf } from '../common/seats.js';

const DEFAULT_SEATS = 25;

interface AccountRow {
  id: string;
  name: string;
  preset: Preset;
  seats: number;
  retention_days: number;
  redaction_label: 'plain' | 'with-id';
  created_at: string;
}

@Injectable()
export class AccountService {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly newUsers: NewUsers,
    private readonly events: UserEvents,
    private readonly sessions: Sessions,
    private readonly actors: Actors,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Creates an account with its owner, and signs the owner in. */
  async open({ name, preset, seats, owner }: NewAccount, client: Call['client']): Promise<OpenedAccount> {
    const accountId = this.ids.next();
    const passwordHash = await this.passwords.hash(owner.password);
    await sql`
      insert into account (id, name, preset, seats, created_at)
      values (${accountId}, ${requireNonBlank('name', name)}, ${preset ?? 'crm'}, ${seats ?? DEFAULT_SEATS}, ${this.clock.now()})`.execute(
      this.em.getKysely(),
    );
    const { email, staffId } = owner;
    const ownerId = await this.newUsers.insert(accountId, {
      name: owner.name,
      email,
      staffId,
      roles: ['owner'],
      passwordHash,
    });
    await this.events.publishChanged([ownerId], 'user.created');
    await this.audit.append([
      { accountId, action: 'account.opened', actorId: ownerId },
      { accountId, action: 'user.created', actorId: ownerId, subjectId: ownerId },
    ]);
    const signedIn = await this.sessions.open(accountId, ownerId, passwordHash, client);
    return { account: await this.get(accountId), ...signedIn };
  }

  async get(accountId: string): Promise<Account> {
    const row = await this.row(accountId);
    return {
      id: row.id,
      name: row.name,
      preset: row.preset,
      seats: await seatsOf(this.em, accountId),
      retentionDays: row.retention_days,
      redactionLabel: row.redaction_label,
      createdAt: isoOf(row.created_at),
    };
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
    const before = await this.row(accountId);
    const after = {
      name: change.name === undefined ? before.name : requireNonBlank('name', change.name),
      preset: change.preset ?? before.preset,
      seats: change.seats ?? before.seats,
      retention_days: change.retentionDays ?? before.retention_days,
      redaction_label: change.redactionLabel ?? before.redaction_label,
    };
    const changed = (Object.keys(after) as (keyof typeof after)[]).filter((field) => after[field] !== before[field]);
    if (changed.length === 0) return this.get(accountId);
    await sql`
      update account set name = ${after.name}, preset = ${after.preset}, seats = ${after.seats},
        retention_days = ${after.retention_days}, redaction_label = ${after.redaction_label},
        policy_version = policy_version + ${changed.includes('preset') ? 1 : 0}
      where id = ${accountId}`.execute(this.em.getKysely());
    if (changed.includes('redaction_label')) await this.events.publishChanged(await this.deletedUsers(accountId));
    const detail = Object.fromEntries(changed.map((field) => [field, { from: before[field], to: after[field] }]));
    await this.audit.append([{ accountId, action: 'account.updated', actorId: userId, detail }]);
    return this.get(accountId);
  }

  private async row(accountId: string): Promise<AccountRow> {
    const { rows } = await sql<AccountRow>`select * from account where id = ${accountId}`.execute(this.em.getKysely());
    if (!rows[0]) throw new Problem('not-found');
    return rows[0];
  }

  /** Deleted users are shown by the account's label, so a new label is published for each of them. */
  private async deletedUsers(accountId: string): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select id from users where account_id = ${accountId} and status = 'deleted'`.execute(this.em.getKysely());
    return rows.map((row) => row.id);
  }
}
