import { Controller } from '@nestjs/common';
import { Answers, Handles } from '#libs/broker';
import {
  beginSso,
  beginSsoProof,
  finishSso,
  ssoLookup,
  ssoPathOf,
  type CallOf,
  type SsoBeginning,
  type SsoDestination,
  type SsoProofPurpose,
  type SsoReturn,
} from '#libs/contracts';
import { Connections } from '../connection/connections.js';
import type { Returned } from './entrance.js';
import { SsoSignIns } from './sso-sign-ins.js';

interface Beginning {
  accountId: string;
  origin: string;
  returnTo?: string;
}

/** Signing in through the account's identity provider. */
@Controller()
export class SsoSignInController {
  constructor(
    private readonly connections: Connections,
    private readonly signIns: SsoSignIns,
  ) {}

  /** Does the same work whether there is such a person or not. */
  @Handles(ssoLookup, { transaction: false, acrossAccounts: 'A domain is looked up before the account is known.' })
  async lookUp({ body }: CallOf<typeof ssoLookup>): Promise<SsoDestination> {
    const found = await this.connections.accountOf(body.email);
    if (!found) return { startUrl: null, enforced: false };
    return { startUrl: ssoPathOf(found.accountId, 'start'), enforced: found.enforced };
  }

  @Answers(beginSso)
  begin(request: Beginning): Promise<SsoBeginning> {
    return this.signIns.begin(request);
  }

  @Answers(beginSsoProof)
  beginProof({
    purpose,
    userId,
    sessionId,
    ...request
  }: Beginning & { purpose: SsoProofPurpose; userId: string; sessionId: string }): Promise<SsoBeginning> {
    return this.signIns.begin({ ...request, proof: { purpose, userId, sessionId } });
  }

  @Answers(finishSso)
  finish(request: SsoReturn): Promise<Returned> {
    return this.signIns.finish(request);
  }
}
