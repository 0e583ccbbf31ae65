import { Injectable } from '@nestjs/common';
import type { SignedIn } from '#libs/contracts';
import { Audit } from '../audit/audit.js';
import { Sessions, type OpenedBy } from '../session/sessions.js';

export interface SigningIn {
  accountId: string;
  userId: string;
  /** The hash that the password matched; null if it was not the password. */
  passwordHash: string | null;
}

/** Opens the sessions of sign-ins, with their entries in the audit trail. In the caller's transaction. */
@Injectable()
export class SessionOpenings {
  constructor(
    private readonly sessions: Sessions,
    private readonly audit: Audit,
  ) {}

  /** @param method what was given in place of the password or beside it */
  async open({ accountId, userId, passwordHash }: SigningIn, by: OpenedBy, method?: string): Promise<SignedIn> {
    const signedIn = await this.sessions.open(accountId, userId, passwordHash, by);
    const detail = method === undefined ? {} : { detail: { method } };
    await this.audit.append([{ accountId, action: 'user.signed-in', actorId: userId, subjectId: userId, ...detail }]);
    return signedIn;
  }
}
