import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { actorOf, Audit } from '../../audit/audit.js';
import { lockAccount } from '../../common/account-lock.js';
import { Proofs } from '../../session/proofs.js';
import { Actors } from '../../user/actors.js';

/** Who may change single sign-on, and the record of it. */
@Injectable()
export class SsoAccess {
  constructor(
    private readonly em: EntityManager,
    private readonly actors: Actors,
    private readonly proofs: Proofs,
    private readonly audit: Audit,
  ) {}

  /** Locks the account. @throws Problem `forbidden`, `step-up-required` */
  async lock(principal: Principal, { proof = true } = {}): Promise<void> {
    await lockAccount(this.em, principal.accountId);
    await this.actors.requireOwner(principal);
    if (proof) await this.proofs.require(principal);
  }

  record(principal: Principal, action: string, detail: Record<string, unknown>): Promise<void> {
    return this.audit.append([{ accountId: principal.accountId, action, ...actorOf(principal), detail }]);
  }
}
