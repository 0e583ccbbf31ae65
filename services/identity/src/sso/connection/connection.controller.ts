import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import { ssoDomainsVerify, ssoGet, ssoPut, ssoRemove, type CallOf, type Sso } from '#libs/contracts';
import { ConnectionChanges } from './connection-changes.js';
import { Connections, type DomainRow } from './connections.js';
import { DomainProofs } from './domain-proofs.js';

/** The set-up of single sign-on. */
@Controller()
export class ConnectionController {
  constructor(
    private readonly connections: Connections,
    private readonly changes: ConnectionChanges,
    private readonly proofs: DomainProofs,
  ) {}

  @Handles(ssoGet)
  get({ principal }: CallOf<typeof ssoGet>): Promise<Sso> {
    return this.connections.view(principal.accountId);
  }

  @Prepares(ssoPut)
  prepare({ principal, body }: CallOf<typeof ssoPut>): Promise<string> {
    return this.changes.prepare(principal, body);
  }

  @Handles(ssoPut)
  put({ principal, body }: CallOf<typeof ssoPut>, issuer: string): Promise<Sso> {
    return this.changes.put(principal, body, issuer);
  }

  @Handles(ssoRemove)
  remove({ principal }: CallOf<typeof ssoRemove>): Promise<void> {
    return this.changes.remove(principal);
  }

  @Prepares(ssoDomainsVerify)
  lookUp({ principal }: CallOf<typeof ssoDomainsVerify>): Promise<DomainRow[]> {
    return this.proofs.lookUp(principal.accountId);
  }

  @Handles(ssoDomainsVerify)
  verify({ principal }: CallOf<typeof ssoDomainsVerify>, proved: DomainRow[]): Promise<Sso> {
    return this.proofs.verify(principal, proved);
  }
}
