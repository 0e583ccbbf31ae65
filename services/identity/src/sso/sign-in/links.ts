import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type UserStatus } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../audit/audit.js';
import { SecurityMails } from '../../mail/security-mails.js';

export interface Person {
  id: string;
  status: UserStatus;
  suspended: boolean;
  isOwner: boolean;
}

/** A person at a provider: the address may change there, the subject does not. */
export interface Subject {
  accountId: string;
  issuer: string;
  subject: string;
}

const PERSON = sql`
  u.id, u.status, u.suspended_at is not null as suspended,
  exists (select from user_role r where r.user_id = u.id and r.role = 'owner') as "isOwner"`;

/** Which user a person at a provider is. All methods run in the caller's transaction. */
@Injectable()
export class Links {
  constructor(
    private readonly em: EntityManager,
    private readonly mails: SecurityMails,
    private readonly audit: Audit,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async personOf({ accountId, issuer, subject }: Subject): Promise<Person | undefined> {
    const { rows } = await sql<Person>`
      select ${PERSON} from sso_link l join users u on u.id = l.user_id
      where l.account_id = ${accountId} and l.issuer = ${issuer} and l.subject = ${subject}`.execute(this.db);
    return rows[0];
  }

  /** The user of the account with this address, locked against changes. */
  async personAt(accountId: string, email: string): Promise<Person | undefined> {
    const { rows } = await sql<Person>`
      select ${PERSON} from users u
      where u.account_id = ${accountId} and fold_case(u.email) = fold_case(${email}) for no key update of u`.execute(
      this.db,
    );
    return rows[0];
  }

  /** Whether the user is linked with any person at this provider. */
  async isLinked(userId: string, issuer: string): Promise<boolean> {
    const { rows } = await sql`
      select id from sso_link where user_id = ${userId} and issuer = ${issuer}`.execute(this.db);
    return rows.length > 0;
  }

  /**
   * Links a user whom the caller has locked. A former link with the provider ends.
   * @throws Problem `conflict` if the person at the provider is another user
   */
  async link(to: Subject, userId: string): Promise<void> {
    const { accountId, issuer, subject } = to;
    const present = await this.personOf(to);
    if (present?.id === userId) return;
    if (present) throw new Problem('conflict', { detail: 'This person at the provider is linked with another user.' });
    await sql`delete from sso_link where user_id = ${userId} and issuer = ${issuer}`.execute(this.db);
    await sql`
      insert into sso_link (id, account_id, user_id, issuer, subject, created_at)
      values (${this.ids.next()}, ${accountId}, ${userId}, ${issuer}, ${subject}, ${this.clock.now()})`.execute(
      this.db,
    );
    await this.mails.signInMethodAdded(userId, 'single-sign-on');
    await this.audit.append([{ accountId, action: 'sso.linked', actorId: userId, subjectId: userId }]);
  }

  /** Ends the links of a user whom the caller has locked. The next sign-in links them by their address, except owners. */
  async unlink(userId: string): Promise<boolean> {
    const { rows } = await sql`delete from sso_link where user_id = ${userId} returning id`.execute(this.db);
    if (rows.length > 0) await this.mails.signInMethodRemoved(userId, 'single-sign-on');
    return rows.length > 0;
  }

  private get db() {
    return this.em.getKysely();
  }
}
