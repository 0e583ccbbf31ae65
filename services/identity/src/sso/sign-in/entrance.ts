import { Injectable } from '@nestjs/common';
import { Problem, type SsoReturn } from '#libs/contracts';
import { Audit } from '../../audit/audit.js';
import { Proofs } from '../../session/proofs.js';
import { Sessions } from '../../session/sessions.js';
import { UserRows } from '../../user/user-rows.js';
import type { Connection } from '../connection/connections.js';
import type { Identified } from '../provider/provider-answers.js';
import { failed, type Attempt } from './attempts.js';
import { FirstSignIns } from './first-sign-ins.js';
import { Links } from './links.js';

const OTHER_PERSON = 'The identity provider has signed in another person.';
const NOT_ANEW = 'The identity provider has not asked the person to sign in again.';

export interface Returned {
  /** A path of our own pages. */
  returnTo: string;
  /** The secret of the new session. */
  secret?: string;
}

interface Entering extends Pick<SsoReturn, 'client'> {
  connection: Connection;
  identified: Identified;
  attempt: Attempt;
}

/** What a person whom the provider has identified gets. All methods run in the caller's transaction. */
@Injectable()
export class Entrance {
  constructor(
    private readonly links: Links,
    private readonly first: FirstSignIns,
    private readonly sessions: Sessions,
    private readonly proofs: Proofs,
    private readonly users: UserRows,
    private readonly audit: Audit,
  ) {}

  /** @throws Problem `step-up-required` */
  requireProof(accountId: string, { userId, sessionId }: { userId: string; sessionId: string }): Promise<void> {
    return this.proofs.require({ accountId, userId, sessionId, roles: [] });
  }

  async enter({ connection, identified, attempt, client }: Entering): Promise<Returned> {
    const { purpose, returnTo } = attempt;
    if (purpose === 'sign-in')
      return { returnTo, secret: await this.signIn({ connection, identified, attempt, client }) };
    const { accountId, issuer } = connection;
    const [userId, sessionId] = [attempt.userId!, attempt.sessionId!];
    const subject = { accountId, issuer, subject: identified.subject };
    await this.users.lock([userId], 'change');
    if (purpose === 'link') {
      await this.requireProof(accountId, { userId, sessionId });
      await this.links.link(subject, userId);
      return { returnTo };
    }
    if ((await this.links.personOf(subject))?.id !== userId) throw failed(OTHER_PERSON);
    if (!identified.proven) throw failed(NOT_ANEW);
    await this.proofs.record({ accountId, userId, sessionId, roles: [] });
    return { returnTo };
  }

  private async signIn({ connection, identified, client }: Entering): Promise<string> {
    const { accountId, issuer } = connection;
    const { subject, sid, proven } = identified;
    const linked = await this.links.personOf({ accountId, issuer, subject });
    if (linked && (linked.status !== 'active' || linked.suspended)) throw new Problem('account-inactive');
    const userId = linked?.id ?? (await this.first.personOf(connection, identified));
    const opened = await this.sessions
      .open(accountId, userId, null, { client, browser: true, sso: { sid, proven } })
      .catch((error: unknown) => {
        // The user has left or was suspended a moment ago.
        throw error instanceof Problem && error.code === 'invalid-credentials'
          ? new Problem('account-inactive')
          : error;
      });
    await this.audit.append([{ accountId, action: 'user.signed-in-with-sso', actorId: userId, subjectId: userId }]);
    return opened.refreshToken;
  }
}
