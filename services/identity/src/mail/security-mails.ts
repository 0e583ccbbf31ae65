import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { SignInMethod } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { Mail, type NewMail } from './mail.js';

/**
 * Tells users at their present address how signing in as them has changed, in the transaction of the change. They cannot
 * turn these mails off.
 */
@Injectable()
export class SecurityMails {
  constructor(
    private readonly em: EntityManager,
    private readonly mail: Mail,
    private readonly clock: Clock,
  ) {}

  passwordChanged(userId: string): Promise<void> {
    return this.tell(userId, { kind: 'password-changed' });
  }

  signInMethodAdded(userId: string, method: SignInMethod): Promise<void> {
    return this.tell(userId, { kind: 'sign-in-method-added', method });
  }

  signInMethodRemoved(userId: string, method: SignInMethod): Promise<void> {
    return this.tell(userId, { kind: 'sign-in-method-removed', method });
  }

  private async tell(userId: string, what: Pick<NewMail, 'kind' | 'method'>): Promise<void> {
    const { rows } = await sql<{ email: string }>`
      select email from users where id = ${userId} and status = 'active' and email is not null`.execute(
      this.em.getKysely(),
    );
    const at = this.clock.now().toISOString();
    await this.mail.send(rows.map(({ email: to }) => ({ userId, to, at, ...what })));
  }
}
