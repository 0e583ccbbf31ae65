import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { mapConstraintErrors } from '../common/constraint-errors.js';
import { EmailChanges } from '../email-change/email-changes.js';
import { FormerIdentifiers } from '../former-identifier/former-identifiers.js';
import { MailedLinks } from '../invitation/mailed-links.js';
import { duplicates } from '../user/new-users.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows } from '../user/user-rows.js';

/** Gives users the address that they have asked for, once they have read the mail there. */
@Injectable()
export class EmailConfirmations {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly changes: EmailChanges,
    private readonly former: FormerIdentifiers,
    private readonly links: MailedLinks,
    private readonly events: UserEvents,
    private readonly audit: Audit,
  ) {}

  /**
   * Everything that was mailed to the former address ends, and both addresses are told.
   * @throws Problem `gone`; `duplicate-email` if another user has taken the address meanwhile
   */
  async confirm(token: string): Promise<void> {
    await this.users.lock([await this.changes.userOf(token)], 'change');
    const { accountId, userId, email, at } = await this.changes.take(token);
    const { email: from } = await this.users.get(accountId, userId);
    await this.former.record(userId, { email: from }, { email });
    await mapConstraintErrors(duplicates, () =>
      sql`update users set email = ${email}, email_verified_at = ${at} where id = ${userId}`.execute(
        this.em.getKysely(),
      ),
    );
    await this.links.end([userId]);
    await this.events.publishChanged([userId]);
    if (from !== null) await this.changes.notifyChanged(userId, from, email);
    const detail = { email: { from, to: email } };
    await this.audit.append([{ accountId, action: 'user.updated', actorId: userId, subjectId: userId, detail }]);
  }
}
