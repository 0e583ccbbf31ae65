import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Call, type InvitationAcceptance, type SignedIn } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../audit/audit.js';
import { sha256 } from '../common/secrets.js';
import { Passwords } from '../password/passwords.js';
import { Sessions } from '../session/sessions.js';
import { isOwner, mustUseSso } from '../sso/must-use-sso.js';
import { UserEvents } from '../user/user-events.js';
import { MailedLinks } from './mailed-links.js';

interface Accepted {
  id: string;
  user_id: string;
  account_id: string;
  /** Whether the user has proved the address, with the token in the mail. */
  by_mail: boolean;
}

interface OpenInvitation extends Accepted {
  open: boolean;
  must_use_sso: boolean;
}

/** Accepts invitations: the invited user sets a password and becomes active. */
@Injectable()
export class InvitationAcceptances {
  constructor(
    private readonly em: EntityManager,
    private readonly passwords: Passwords,
    private readonly links: MailedLinks,
    private readonly sessions: Sessions,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * Hashes the password outside of the transaction, and only for a valid token.
   * @throws Problem as `accept` does; `service-unavailable` if too many passwords are being hashed
   */
  async prepare({ token, password }: InvitationAcceptance): Promise<string> {
    await this.find(token);
    return this.passwords.hash(password);
  }

  /**
   * Activates an invited user and signs them in. With the token of the mail, they have proved their address.
   * @throws Problem `not-found` for an unknown token, `gone` for one that is used, revoked or expired, or whose user is
   *   suspended, `sso-required` if a password would count for nothing
   */
  async accept(token: string, passwordHash: string, client: Call['client']): Promise<SignedIn> {
    // Locks the invitation against revocation and other acceptances until the transaction ends.
    const invitation = await this.find(token, sql`for update`);
    const { user_id: userId, account_id: accountId } = invitation;
    await this.activate(invitation, passwordHash);
    return this.sessions.open(accountId, userId, passwordHash, { client });
  }

  /**
   * Activates an invited user whose address the account's identity provider has verified, in the transaction that has locked
   * the user. They have no password.
   * @throws Problem `gone` without an open invitation
   */
  async acceptThroughProvider(userId: string): Promise<void> {
    const { rows } = await sql<Accepted>`
      select i.id, i.user_id, u.account_id, true as by_mail
      from invitation i join users u on u.id = i.user_id
      where i.user_id = ${userId} and i.accepted_at is null and i.revoked_at is null and i.expires_at > ${this.clock.now()}
      order by i.id desc limit 1 for update of i`.execute(this.em.getKysely());
    if (!rows[0]) throw gone();
    await this.activate(rows[0], null);
  }

  private async activate(invitation: Accepted, passwordHash: string | null): Promise<void> {
    const { id, user_id: userId, account_id: accountId } = invitation;
    const now = this.clock.now();
    const db = this.em.getKysely();
    const { rows } = await sql`
      update users set status = 'active', password_hash = ${passwordHash}, lifecycle_version = lifecycle_version + 1,
        active_since = lifecycle_version + 1, email_verified_at = ${invitation.by_mail ? now : null}
      where id = ${userId} and status = 'invited' and suspended_at is null returning id`.execute(db);
    if (rows.length === 0) throw gone();
    await sql`update invitation set accepted_at = ${now} where id = ${id}`.execute(db);
    await this.links.end([userId]);
    await this.events.publishChanged([userId]);
    await this.audit.append([{ accountId, action: 'user.joined', actorId: userId, subjectId: userId }]);
  }

  private async find(token: string, lock = sql``): Promise<OpenInvitation> {
    const hash = sha256(token);
    const { rows } = await sql<OpenInvitation>`
      select i.id, i.user_id, u.account_id, coalesce(i.mailed_hash = ${hash}, false) as by_mail,
        (i.accepted_at is null and i.revoked_at is null and i.expires_at > ${this.clock.now()}
        and u.suspended_at is null) as open, ${mustUseSso} and not ${isOwner('u')} as must_use_sso
      from invitation i join users u on u.id = i.user_id
      where i.hash = ${hash} or i.mailed_hash = ${hash} ${lock}`.execute(this.em.getKysely());
    const [invitation] = rows;
    if (!invitation) throw new Problem('not-found', { detail: 'There is no such invitation.' });
    if (!invitation.open) throw gone();
    // An invited owner cannot come through the provider, and links it with the session that this begins.
    if (invitation.must_use_sso) throw new Problem('sso-required');
    return invitation;
  }
}

const gone = () => new Problem('gone', { detail: 'This invitation is no longer valid. Request a new one.' });
