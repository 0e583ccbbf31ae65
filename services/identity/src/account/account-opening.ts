import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Call, NewAccount, OpenedAccount } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { requireNonBlank } from '../common/require-non-blank.js';
import { Passwords } from '../password/passwords.js';
import { Sessions } from '../session/sessions.js';
import { NewUsers } from '../user/new-users.js';
import { accountOf } from './account-rows.js';

const DEFAULT_SEATS = 25;

/** Creates accounts, each with its owner. */
@Injectable()
export class AccountOpening {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly newUsers: NewUsers,
    private readonly sessions: Sessions,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Hashes the password outside of the transaction.
   * @throws Problem `service-unavailable` if too many passwords are being hashed
   */
  prepare({ owner }: NewAccount): Promise<string> {
    return this.passwords.hash(owner.password);
  }

  /** Creates an account with its owner, and signs the owner in. */
  async open(
    { name, preset, seats, owner }: NewAccount,
    passwordHash: string,
    client: Call['client'],
  ): Promise<OpenedAccount> {
    const accountId = this.ids.next();
    await sql`
      insert into account (id, name, preset, seats, created_at)
      values (${accountId}, ${requireNonBlank('name', name)}, ${preset ?? 'crm'}, ${seats ?? DEFAULT_SEATS}, ${this.clock.now()})`.execute(
      this.em.getKysely(),
    );
    const { email, staffId } = owner;
    const ownerId = await this.newUsers.create(accountId, {
      name: owner.name,
      email,
      staffId,
      roles: ['owner'],
      passwordHash,
    });
    await this.audit.append([
      { accountId, action: 'account.opened', actorId: ownerId },
      { accountId, action: 'user.created', actorId: ownerId, subjectId: ownerId },
    ]);
    const signedIn = await this.sessions.open(accountId, ownerId, passwordHash, { client });
    return { account: await accountOf(this.em, accountId), ...signedIn };
  }
}
