import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { cutText, Problem } from '#libs/contracts';
import { Ids } from '#libs/database';
import { Audit } from '../../audit/audit.js';
import { lockAccount } from '../../common/account-lock.js';
import { requireFreeSeats } from '../../common/seats.js';
import { InvitationAcceptances } from '../../invitation/invitation-acceptances.js';
import { NewUsers } from '../../user/new-users.js';
import { Connections, domainOf, type Connection } from '../connection/connections.js';
import type { Identified } from '../provider/provider-answers.js';
import { Links, type Person } from './links.js';

const LONGEST_NAME = 200;

const NOBODY_HERE = 'No user of this account has this address. Ask your manager for an invitation.';
const OTHER_DOMAIN =
  'The address is not in a domain that the account has verified. Ask your manager to sign you in once.';
const OWNER = 'Owners link the provider themselves: sign in with your password, then link it.';
const OTHER_PERSON =
  'Your user is linked with another person at the provider. Sign in with your password, then link it again.';

/**
 * Finds the user of a person whom the provider signs in for the first time: by an address that the provider has verified, in a
 * domain that the account has proved. After that the subject alone counts.
 */
@Injectable()
export class FirstSignIns {
  constructor(
    private readonly em: EntityManager,
    private readonly connections: Connections,
    private readonly links: Links,
    private readonly acceptances: InvitationAcceptances,
    private readonly newUsers: NewUsers,
    private readonly audit: Audit,
    private readonly ids: Ids,
  ) {}

  /**
   * In the caller's transaction. Nobody who has left or is suspended is linked.
   * @returns the user, who is linked now
   * @throws Problem `sso-email-unverified`, `sso-not-linked`, `account-inactive`, `sso-link-required`; `gone` for an invitation
   *   that is over; `no-free-seat`, `duplicate-email`
   */
  async personOf(connection: Connection, identified: Identified): Promise<string> {
    const { accountId, issuer } = connection;
    const { email, subject } = identified;
    if (email === undefined) throw new Problem('sso-email-unverified');
    if (!(await this.isVouchedFor(accountId, email))) throw new Problem('sso-not-linked', { detail: OTHER_DOMAIN });
    // Two first sign-ins of a person at the same time create one user.
    await lockAccount(this.em, accountId);
    const linked = await this.links.personOf({ accountId, issuer, subject });
    if (linked) return linked.id;
    const known = await this.links.personAt(accountId, email);
    if (known) await this.admit(known, issuer);
    const userId = known?.id ?? (await this.create(connection, { ...identified, email }));
    await this.links.link({ accountId, issuer, subject }, userId);
    return userId;
  }

  private async isVouchedFor(accountId: string, email: string): Promise<boolean> {
    const domain = domainOf(email);
    return (await this.connections.domains(accountId)).some((one) => one.verified && one.domain === domain);
  }

  private async admit({ id, status, suspended, isOwner }: Person, issuer: string): Promise<void> {
    if (suspended || (status !== 'active' && status !== 'invited')) throw new Problem('account-inactive');
    // A person who controls the provider decides what address it verifies, and would own the account.
    if (isOwner) throw new Problem('sso-link-required', { detail: OWNER });
    if (await this.links.isLinked(id, issuer)) throw new Problem('sso-link-required', { detail: OTHER_PERSON });
    if (status === 'invited') await this.acceptances.acceptThroughProvider(id);
  }

  private async create(
    { accountId, justInTimeRole: role }: Connection,
    { email, name }: Identified & { email: string },
  ): Promise<string> {
    if (role === null) throw new Problem('sso-not-linked', { detail: NOBODY_HERE });
    await requireFreeSeats(this.em, accountId);
    const facts = { name: nameOf(name, email), email, roles: [role], vouchedFor: true as const };
    // Managers, or the provider by SCIM, give the user the staff id of the company.
    const userId = await this.newUsers.create(accountId, { ...facts, staffId: `sso-${this.ids.secret(6)}` });
    await this.audit.append([{ accountId, action: 'user.created', system: 'sso', subjectId: userId }]);
    return userId;
  }
}

/** A name that the API would accept. */
function nameOf(name: string | undefined, email: string): string {
  const plain = (name ?? '').replace(/[\u0000-\u001f\u007f]/g, ' ').trim();
  return cutText(plain === '' ? email.slice(0, email.lastIndexOf('@')) : plain, LONGEST_NAME);
}
